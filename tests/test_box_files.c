// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Landlock, and the places that settings lead to: each case in a child.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/box_rig.h"
#include "xmbroker/box_paths.h"

#define NEEDS_LANDLOCK(version)                                                                    \
	do {                                                                                       \
		if (box_landlock_version() < (version))                                            \
			cr_skip_test("not run: needs Landlock " #version);                         \
	} while (0)

static bool is_refused(int r, int error)
{
	return r < 0 && errno == error;
}

static int act_nothing_at_all(void)
{
	if (!is_refused(open("/etc/passwd", O_RDONLY), EACCES) ||
	    !is_refused(open("/", O_RDONLY | O_DIRECTORY), EACCES) ||
	    !is_refused(open("/dev/null", O_WRONLY), EACCES))
		return 1;
	return is_refused(mknod("/tmp/test_box_never", S_IFREG | 0600, 0), EACCES) ? 0 : 2;
}

Test(box_files, server_simulator_and_undertaker_have_no_file_system)
{
	static const enum box_role roles[] = { BOX_SERVER, BOX_SIM, BOX_UNDERTAKER };

	NEEDS_LANDLOCK(1);
	for (size_t i = 0; i < 3; i++)
		cr_expect_eq(in_landlock(roles[i], NULL, 0, act_nothing_at_all), 0, "%zu", i);
}

static int act_no_network(void)
{
	struct sockaddr_in {
		sa_family_t family;
		uint16_t port;
		uint32_t address;
		char zero[8];
	} address = { .family = AF_INET, .port = 0x100, .address = 0x100007f };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return 1;
	return is_refused(connect(fd, (void *)&address, sizeof(address)), EACCES) ? 0 : 2;
}

Test(box_files, nobody_has_tcp)
{
	NEEDS_LANDLOCK(4);
	for (enum box_role role = 0; role < BOX_N_ROLES; role++)
		cr_expect_eq(in_landlock(role, NULL, 0, act_no_network), 0, "%u", role);
}

static int act_no_signals(void)
{
	return is_refused(kill(getppid(), 0), EPERM) && kill(getpid(), 0) == 0 ? 0 : 1;
}

Test(box_files, nobody_signals_who_is_outside)
{
	NEEDS_LANDLOCK(6);
	for (enum box_role role = 0; role < BOX_N_ROLES; role++)
		cr_expect_eq(in_landlock(role, NULL, 0, act_no_signals), 0, "%u", role);
}

static char folder[] = "/tmp/test box.XXXXXX";

static void make_folder(void)
{
	char path[64];
	int fd;

	cr_assert_not_null(mkdtemp(folder));
	for (const char *const *name = (const char *const[]){ "log", "other", NULL }; *name;
	     name++) {
		snprintf(path, sizeof(path), "%s/%s", folder, *name);
		cr_assert_eq(mkdir(path, 0755), 0);
		strcat(path, "/file");
		fd = open(path, O_WRONLY | O_CREAT, 0666);
		cr_assert_geq(fd, 0);
		close(fd);
	}
}

static void remove_folder(void)
{
	static const char *const names[] = { "log/file", "log/new",    "log/renamed",
					     "log",      "other/file", "other",
					     "again/x",  "again",      "" };
	char path[64];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		remove(path);
	}
}

static const char *in_folder(const char *name)
{
	static char path[2][64];
	static int turn;

	turn = !turn;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", folder, name);
	return path[turn];
}

static int act_keep_log(void)
{
	if (open(in_folder("log/new"), O_RDWR | O_CREAT | O_EXCL, 0600) < 0 ||
	    rename(in_folder("log/new"), in_folder("log/renamed")) < 0 ||
	    truncate(in_folder("log/renamed"), 10) < 0 || unlink(in_folder("log/renamed")) < 0)
		return 1;
	if (!is_refused(open(in_folder("other/file"), O_RDONLY), EACCES) ||
	    !is_refused(mknod(in_folder("log/sock"), S_IFSOCK | 0600, 0), EACCES) ||
	    !is_refused(symlink("x", in_folder("log/link")), EACCES))
		return 2;
	/* Out of the folder, as a hard link or by renaming. */
	return link(in_folder("log/file"), in_folder("other/link")) == 0 ||
			       rename(in_folder("log/file"), in_folder("other/file")) == 0
		       ? 3
		       : 0;
}

Test(box_files, a_supervisor_keeps_its_log_and_nothing_else, .init = make_folder,
     .fini = remove_folder)
{
	const struct box_place log = { in_folder("log"), BOX_STORE };

	NEEDS_LANDLOCK(3);
	cr_expect_eq(in_landlock(BOX_SUPERVISOR, &log, 1, act_keep_log), 0);
}

static int act_renew(void)
{
	if (mkdir(in_folder("again"), 0700) < 0)
		return 1;
	return open(in_folder("again/x"), O_WRONLY | O_CREAT, 0600) < 0 ? 2 : 0;
}

Test(box_files, and_makes_its_folder_again, .init = make_folder, .fini = remove_folder)
{
	const struct box_place place = { folder, BOX_RENEW };

	NEEDS_LANDLOCK(1);
	cr_expect_eq(in_landlock(BOX_SUPERVISOR, &place, 1, act_renew), 0);
}

static int act_read_only(void)
{
	if (open(in_folder("other/file"), O_RDONLY) < 0)
		return 1;
	if (!is_refused(open(in_folder("other/file"), O_WRONLY), EACCES) ||
	    !is_refused(unlink(in_folder("other/file")), EACCES))
		return 2;
	return is_refused(open(in_folder("log/file"), O_RDONLY), EACCES) ? 0 : 3;
}

Test(box_files, a_compiler_reads_beneath_its_places, .init = make_folder, .fini = remove_folder)
{
	struct box_paths paths;

	NEEDS_LANDLOCK(1);
	box_paths_init(&paths);
	box_paths_add_folder_of(&paths, in_folder("other/file"), BOX_READ);
	cr_expect_eq(in_landlock(BOX_COMPILER, paths.place, paths.n, act_read_only), 0);
	box_paths_deinit(&paths);
}

static bool has_place(const struct box_paths *paths, const char *path)
{
	for (size_t i = 0; i < paths->n; i++)
		if (!strcmp(paths->place[i].path, path))
			return true;
	return false;
}

Test(box_files, places_of_a_policy)
{
	struct box_paths paths;

	box_paths_init(&paths);
	box_paths_add_policy(&paths, "policy.yaml");
	box_paths_add_policy(&paths, "/no/such/policy.yaml");
	cr_expect(has_place(&paths, ".") && has_place(&paths, "/no/such"));
	cr_expect_eq(paths.n, 2);
	box_paths_add_parent_of(&paths, "/tmp/log", BOX_RENEW);
	cr_expect_eq(paths.n, 2, "the root of all files is not given away");
	box_paths_deinit(&paths);
}

static bool led_to(const char *line, const char *place)
{
	struct box_paths paths;
	char file[64];
	int fd, n;
	bool found;

	snprintf(file, sizeof(file), "/tmp/test_box_policy.%d", (int)getpid());
	fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	n = fd < 0 ? -1 : (int)write(fd, line, strlen(line));
	cr_assert_eq(n, (int)strlen(line));
	close(fd);
	box_paths_init(&paths);
	box_paths_add_policy(&paths, file);
	found = has_place(&paths, place);
	box_paths_deinit(&paths);
	unlink(file);
	return found;
}

Test(box_files, the_system_of_a_policy_is_a_place)
{
	cr_expect(led_to("version: 1\nsystem: /a/b.xml\n", "/a"));
	cr_expect(led_to("system: '/a b/b.xml' # that\n", "/a b"));
	cr_expect(led_to("system: \"/a #b/b.xml\"\n", "/a #b"));
	cr_expect(led_to("system: /a/b.xml # that\n", "/a"));
	cr_expect(led_to("system: c/b.xml", "/tmp/c"));
	cr_expect_not(led_to("  system: /a/b.xml\n", "/a"));
	cr_expect_not(led_to("# system: /a/b.xml\n", "/a"));
	cr_expect_not(led_to("system: '/a/b.xml\n", "/a"));
	cr_expect_not(led_to("system:\n", "/"));
}
