// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A session that has lost its place in a log searches for it, which may take several turns: others are
 * answered between them, and whoever goes away or is ended meanwhile has a result on record.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <unistd.h>

#include "tests/session_rig.h"

#define RECORDS 4000
#define PLACE 3000

/* The log of the hypervisor: record n has the time stamp era + n. */
static uint64_t era;
static uint32_t position;
static unsigned int n_reads;

static void read_log(const struct xm_request *r, struct xm_reply *out)
{
	uint32_t n = (uint32_t)r->arg[XM_A_HM_READ_noLogs].num;
	uint64_t *words;

	n_reads++;
	if (n > RECORDS - position)
		n = RECORDS - position;
	words = xm_reply_put_words(out, XM_A_HM_READ_log, n * XM_NF_HM_LOG);
	for (uint32_t i = 0; i < n; i++, words += XM_NF_HM_LOG)
		words[XM_F_HM_LOG_timestamp] = era + position++;
	out->value = n;
}

static void log_call(struct backend *backend, const struct xm_request *r, struct xm_reply *out)
{
	(void)backend;
	if (r->op == XM_OP_HM_READ)
		read_log(r, out);
	else if (r->op == XM_OP_HM_SEEK)
		position = (uint32_t)r->arg[XM_A_HM_SEEK_offset].num;
	else if (r->op == XM_OP_HM_STATUS)
		xm_reply_put_words(out, XM_A_HM_STATUS_status,
				   XM_NF_HM_STATUS)[XM_F_HM_STATUS_noEvents] = RECORDS;
}

static struct backend_ops log_ops;

static void setup(void)
{
	session_setup();
	log_ops = *hypervisor->backend.ops;
	log_ops.call = log_call;
	hypervisor->backend.ops = &log_ops;
	era = 1;
	position = n_reads = 0;
	fake_policy.answer = FAKE_ALLOW_AUDITED;
}

TestSuite(search, .init = setup, .fini = session_teardown);

static void send_request(int fd)
{
	int len = xm_wire_put_call(msg, sizeof(msg), 77, &req);

	cr_assert_gt(len, 0);
	cr_assert_eq(send(fd, msg, (size_t)len, MSG_NOSIGNAL), len);
}

static void send_read(int fd)
{
	fake_request(XM_OP_HM_READ, &req);
	req.arg[XM_A_HM_READ_noLogs].num = 2;
	send_request(fd);
}

/* A client that stands far from the oldest record, none of which is there any more. */
static int lost_client(void)
{
	int fd = client();

	fake_request(XM_OP_HM_SEEK, &req);
	req.arg[XM_A_HM_SEEK_offset].num = PLACE;
	req.arg[XM_A_HM_SEEK_whence].num = 1;
	send_request(fd);
	cr_assert_eq(result(fd), XM_C_OK);
	era += RECORDS;
	return fd;
}

static void begin_search(int fd)
{
	send_read(fd);
	while (server->last->state != SESSION_SEARCHING)
		cr_assert_eq(loop_round(&server->loop, 0), 0);
}

Test(search, it_goes_on_in_other_turns_and_is_answered)
{
	int fd = lost_client();

	begin_search(fd);
	cr_expect_lt(n_reads, PLACE / XM_MAX_RECORDS);
	cr_assert_eq(result(fd), XM_C_OK);
	cr_expect_geq(n_reads, PLACE / XM_MAX_RECORDS);
	cr_expect_eq(reply.value, 2);
	cr_expect_eq(reply.out[XM_A_HM_READ_log].words[XM_F_HM_LOG_timestamp], era);
	cr_expect_eq(server->last->state, SESSION_OPEN);
}

Test(search, others_are_answered_between_its_turns)
{
	int other = client(), fd = lost_client();

	account_to(getuid() + 1);
	begin_search(fd);
	send_call(other, XM_OP_GET_TIME);
	for (unsigned int i = 0; i < 2; i++)
		cr_assert_eq(loop_round(&server->loop, 0), 0);
	cr_expect_eq(server->last->state, SESSION_SEARCHING);
	cr_expect_gt(recv(other, msg, sizeof(msg), MSG_DONTWAIT), 0);
}

Test(search, what_is_asked_meanwhile_is_answered_after_it)
{
	int fd = lost_client();

	begin_search(fd);
	send_read(fd);
	cr_assert_eq(result(fd), XM_C_OK);
	cr_expect_eq(reply.out[XM_A_HM_READ_log].words[XM_F_HM_LOG_timestamp], era);
	cr_assert_eq(result(fd), XM_C_OK);
	cr_expect_eq(reply.out[XM_A_HM_READ_log].words[XM_F_HM_LOG_timestamp], era + 2);
}

Test(search, whoever_is_ended_meanwhile_gets_the_answer_first)
{
	int fd = lost_client();

	begin_search(fd);
	session_end(server->last, ECONNRESET);
	cr_assert_eq(result(fd), XM_C_OK);
	expect_refused(fd, ECONNRESET);
}

Test(search, it_is_finished_and_recorded_for_who_has_gone_away)
{
	int fd = lost_client();

	begin_search(fd);
	close(fd);
	turns();
	cr_expect(logged("\"type\":\"result\",\"time\""));
	cr_expect(logged("\"result\":\"XM_OK\",\"value\":2"));
	cr_expect_eq(server->n_sessions, 0);
}

Test(search, a_session_that_is_closed_meanwhile_has_an_unknown_result)
{
	begin_search(lost_client());
	session_close(server->last, "for a test");
	cr_expect(logged("\"result\":\"unknown\""));
}
