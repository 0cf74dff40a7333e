// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Connections to the hypervisor as the supervisor keeps them: narrowed before anybody has them, and cut
 * for whoever has them.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libxm/core/wire.h"
#include "policy/image.h"
#include "xmbroker/links.h"

static struct links links;
static struct xm_mask time_only, two;
static int far[LINKS_MAX + 2]; /* the hypervisor's ends */

static void setup(void)
{
	xm_mask_add(&time_only, XM_OP_GET_TIME);
	two = time_only;
	xm_mask_add(&two, XM_OP_HALT_PARTITION);
}

TestSuite(links, .init = setup, .timeout = 30);

static void add(unsigned int i, const struct xm_mask *mask)
{
	int pair[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	far[i] = pair[1];
	cr_assert_eq(links_add(&links, pair[0], mask), 0);
}

/* The next thing that the hypervisor gets: a mask. */
static void got(unsigned int i, const struct xm_mask *mask)
{
	uint8_t msg[XM_WIRE_PACKET];
	ssize_t n = recv(far[i], msg, sizeof(msg), MSG_DONTWAIT);
	struct xm_mask came;

	cr_assert_gt(n, 0, "nothing came");
	cr_assert_eq(xm_wire_get_restrict(msg, (size_t)n, &came), 0);
	cr_expect(xm_mask_equal(&came, mask));
}

static bool is_silent(unsigned int i)
{
	char byte;

	return recv(far[i], &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static bool is_cut(unsigned int i)
{
	char byte;

	return recv(far[i], &byte, 1, MSG_DONTWAIT) == 0;
}

Test(links, a_connection_is_narrowed_first)
{
	add(0, &time_only);
	got(0, &time_only);
	cr_expect(is_silent(0));
	cr_expect(links_cover(&links, &time_only));
	cr_expect_not(links_cover(&links, &two));
	links_cut_all(&links);
	cr_expect(is_cut(0));
}

Test(links, what_the_connection_in_use_may_do_is_known)
{
	struct xm_mask mask = { { 0 } };

	links_unite(&links, &mask);
	cr_expect_eq(xm_mask_count(&mask), 0);
	add(0, &two);
	add(1, &time_only);
	links_unite(&links, &mask);
	cr_expect(xm_mask_equal(&mask, &time_only));
	links_cut_all(&links);
}

Test(links, one_that_cannot_be_narrowed_is_not_kept)
{
	int pair[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	close(pair[1]);
	cr_expect_lt(links_add(&links, pair[0], &time_only), 0);
	cr_expect_eq(links.n, 0);
	cr_expect_not(links_cover(&links, &time_only));
}

Test(links, all_are_narrowed_that_can_do_more)
{
	add(0, &time_only);
	add(1, &two);
	got(0, &time_only);
	got(1, &two);
	links_narrow(&links, &time_only);
	cr_expect(is_silent(0));
	got(1, &time_only);
	cr_expect_not(links_cover(&links, &two));
	links_cut_all(&links);
}

/* Also for a descriptor of it that somebody else has. */
Test(links, the_old_ones_are_cut_for_everybody)
{
	int stolen;

	add(0, &time_only);
	stolen = dup(links.held[0].fd);
	add(1, &two);
	got(0, &time_only);
	links_cut_old(&links);
	cr_expect(is_cut(0));
	cr_expect_lt(send(stolen, "x", 1, MSG_NOSIGNAL), 0);
	got(1, &two);
	cr_expect(is_silent(1));
	close(stolen);
	links_cut_all(&links);
}

/* Whoever fills a connection so that nothing can be said any more over it loses it. */
Test(links, one_that_is_full_is_cut)
{
	add(0, &two);
	while (send(links.held[0].fd, "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1)
		;
	got(0, &two);
	cr_expect_eq(send(links.held[0].fd, "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL), 1);
	links_narrow(&links, &time_only);
	cr_expect_eq(links.n, 0);
	cr_expect_not(links_cover(&links, &time_only));
}

Test(links, of_many_the_oldest_is_cut)
{
	for (unsigned int i = 0; i < LINKS_MAX + 1; i++) {
		add(i, &time_only);
		got(i, &time_only);
	}
	cr_expect(is_cut(0));
	cr_expect(is_silent(1));
	cr_expect_eq(links.n, LINKS_MAX);
	links_cut_all(&links);
}

Test(links, the_mask_is_read_from_its_place)
{
	int fd = memfd_create("image", MFD_CLOEXEC);
	struct xm_mask mask;

	cr_assert_eq(pwrite(fd, two.bytes, sizeof(two.bytes), POLICY_IMAGE_MASK_AT),
		     (ssize_t)sizeof(two.bytes));
	links_mask_of(fd, &mask);
	cr_expect(xm_mask_equal(&mask, &two));
	close(fd);
}

Test(links, an_image_that_is_too_short_may_have_nothing_called)
{
	int fd = memfd_create("image", MFD_CLOEXEC);
	struct xm_mask mask = two;

	cr_assert_eq(pwrite(fd, two.bytes, 1, POLICY_IMAGE_MASK_AT), 1);
	links_mask_of(fd, &mask);
	cr_expect_eq(xm_mask_count(&mask), 0);
	close(fd);
}
