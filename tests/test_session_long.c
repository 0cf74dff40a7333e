// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Sessions: messages and answers that are longer than a packet and come in parts.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tests/session_rig.h"

TestSuite(session, .init = session_setup, .fini = session_teardown);

static void compare_message(struct fake_backend *fake, const struct xm_request *r)
{
	const struct xm_value *v = &r->arg[XM_A_WRITE_SAMPLING_MESSAGE_buffer];

	if (r->op != XM_OP_WRITE_SAMPLING_MESSAGE)
		return;
	*(bool *)fake->data = v->len == MESSAGE;
	for (uint32_t i = 0; i < v->len; i++)
		if (v->data[i] != fake_byte(i))
			*(bool *)fake->data = false;
}

Test(session, a_long_message_arrives_whole)
{
	bool whole_came = false;
	int fd = client();

	hypervisor->on_call = compare_message;
	hypervisor->data = &whole_came;
	send_parts(fd, (size_t)put_write(MESSAGE));
	cr_expect_eq(result(fd), XM_C_OK);
	cr_expect(whole_came);
	cr_expect_eq(server->users.large, 0);
	cr_expect_eq(call(fd, XM_OP_GET_TIME), XM_C_OK);
}

static void expect_message(size_t len, uint32_t size)
{
	const struct xm_value *v = &reply.out[XM_A_READ_SAMPLING_MESSAGE_buffer];

	cr_assert_eq(xm_wire_get_result(whole, len, &req, &reply), 0);
	cr_assert_eq(reply.code, XM_C_OK);
	cr_assert_eq(v->len, size);
	for (uint32_t i = 0; i < size; i++)
		cr_assert_eq(v->data[i], fake_byte(i));
}

Test(session, a_long_answer_comes_in_parts)
{
	int fd = client();

	hypervisor->message_len = 3 * MESSAGE;
	cr_assert_eq(ask_to_read(fd, 4 * MESSAGE), 0);
	expect_message(receive_parts(fd), 3 * MESSAGE);
	cr_expect_eq(server->users.large, 0);
	cr_expect_null(server->first->unsent);
	cr_expect_eq(call(fd, XM_OP_GET_TIME), XM_C_OK);
}

Test(session, a_short_answer_to_who_had_room_for_a_long_one_is_one_packet)
{
	int fd = client();

	hypervisor->message_len = 100;
	cr_assert_eq(ask_to_read(fd, MESSAGE), 0);
	cr_expect_eq(result(fd), XM_C_OK);
	cr_expect_eq(reply.out[XM_A_READ_SAMPLING_MESSAGE_buffer].len, 100);
	cr_expect_eq(server->users.large, 0);
}

Test(session, a_long_answer_that_nobody_reads_is_given_up)
{
	int fd = client();

	hypervisor->message_len = 3 * MESSAGE;
	cr_assert_eq(ask_to_read(fd, 3 * MESSAGE), 0);
	turns();
	cr_assert_not_null(server->first->unsent);
	cr_expect_gt(server->users.large, 3 * MESSAGE);
	let_pass(SERVER_UNSENT_MS + 1);
	cr_expect_eq(server->n_sessions, 0);
	cr_expect_eq(server->users.large, 0);
	close(fd);
}

/* The other end still reads what is on its way, and is owed the rest. */
Test(session, an_answer_that_can_no_longer_be_sent_ends_the_session)
{
	int fd = client();

	hypervisor->message_len = 3 * MESSAGE;
	cr_assert_eq(ask_to_read(fd, 3 * MESSAGE), 0);
	turns();
	cr_assert_not_null(server->first->unsent);
	cr_assert_eq(shutdown(fd, SHUT_RD), 0);
	while (recv(fd, msg, sizeof(msg), MSG_DONTWAIT) > 0)
		;
	turns();
	cr_expect(logged("\"reason\":\"connection lost\""));
	cr_expect_eq(server->n_sessions, 0);
	cr_expect_eq(server->users.large, 0);
	close(fd);
}

Test(session, who_does_not_read_and_has_no_memory_left_is_dropped)
{
	int fd;

	/* Root may have what it wants. */
	cr_assert(geteuid() != 0 || setresuid(12345, 12345, 12345) == 0);
	fd = client();
	server->config.memory_per_user = 1;
	hypervisor->message_len = 60000; /* one packet */
	for (unsigned int i = 0; i < 100 && server->n_sessions; i++) {
		cr_expect_null(server->first->unsent);
		ask_to_read(fd, 60000);
		turns();
	}
	cr_expect_eq(server->n_sessions, 0);
	cr_expect_eq(server->n_thrown_out, 1);
	cr_expect(logged("replies are not read, and the user's memory is used up"));
	close(fd);
}

Test(session, who_reads_a_long_answer_slowly_gets_it)
{
	int fd = client();
	unsigned int n = 0;

	hypervisor->message_len = 4 * MESSAGE;
	cr_assert_eq(ask_to_read(fd, 4 * MESSAGE), 0);
	for (ssize_t len = answer(fd); len > 0 && n < 13; n++) {
		let_pass(SERVER_UNSENT_MS / 4); /* the kernel lets go on when all was read */
		len = answer(fd);
	}
	cr_expect_geq(n, 12);
	cr_expect_eq(server->n_sessions, 1);
	cr_expect_eq(server->users.large, 0);
}

/* One packet of a long message. */
static void begin_message(int fd, uint32_t serial)
{
	cr_assert(send_part(fd, serial, (size_t)put_write(MESSAGE), 0));
	turns();
}

Test(session, who_does_not_send_a_message_whole_is_dropped)
{
	int fd = client();

	begin_message(fd, 77);
	cr_expect_gt(server->users.large, MESSAGE);
	let_pass(SERVER_UNSENT_MS - 1000);
	cr_expect_eq(server->n_sessions, 1);
	let_pass(1001);
	expect_refused(fd, ENOBUFS);
	cr_expect_eq(server->users.large, 0);
	cr_expect_eq(fake_policy.n_decided, 0);
}

/* More parts give no more time. */
Test(session, who_sends_a_message_slowly_is_dropped)
{
	int fd = client();

	begin_message(fd, 77);
	let_pass(SERVER_UNSENT_MS - 1000);
	cr_assert(send_part(fd, 77, (size_t)put_write(MESSAGE), XM_WIRE_PART_DATA));
	let_pass(1001);
	expect_refused(fd, ENOBUFS);
}

/* But a very long message is not lost to those whose turns come between. */
Test(session, every_sixteenth_part_gives_time_for_as_many_more)
{
	size_t total = (size_t)put_write(20 * XM_WIRE_PART_DATA);
	int fd = client();

	server->config.large_memory_per_user = 2 * total;
	for (size_t i = 0; i < 17; i++) {
		if (i == 16)
			let_pass(SERVER_UNSENT_MS - 1000);
		while (!send_part(fd, 77, total, i * XM_WIRE_PART_DATA))
			turns();
		turns();
	}
	let_pass(SERVER_UNSENT_MS - 1000);
	cr_expect_eq(server->n_sessions, 1);
	let_pass(1001);
	expect_refused(fd, ENOBUFS);
	cr_expect_eq(server->users.large, 0);
}

Test(session, who_is_to_go_gets_no_more_time_by_reading_slowly)
{
	int fd = client();

	hypervisor->message_len = 4 * MESSAGE;
	cr_assert_eq(ask_to_read(fd, 4 * MESSAGE), 0);
	turns();
	session_end(server->first, ESHUTDOWN);
	for (unsigned int i = 0; i < 5; i++) {
		cr_assert_gt(answer(fd), 0);
		let_pass(SERVER_UNSENT_MS / 4);
	}
	cr_expect_eq(server->n_sessions, 0);
	cr_expect_eq(server->users.large, 0);
}

Test(session, parts_out_of_order_end_the_session)
{
	int fd = client();

	begin_message(fd, 77);
	cr_assert(send_part(fd, 77, (size_t)put_write(MESSAGE), 2 * XM_WIRE_PART_DATA));
	expect_refused(fd, EPROTO);
	cr_expect_eq(server->users.large, 0);
}

Test(session, a_message_that_does_not_begin_at_its_beginning_ends_the_session)
{
	int fd = client();

	cr_assert(send_part(fd, 77, (size_t)put_write(MESSAGE), XM_WIRE_PART_DATA));
	expect_refused(fd, EPROTO);
}

Test(session, parts_of_two_messages_end_the_session)
{
	int fd = client();

	begin_message(fd, 77);
	cr_assert(send_part(fd, 78, (size_t)put_write(MESSAGE), XM_WIRE_PART_DATA));
	expect_refused(fd, EPROTO);
}

Test(session, another_message_between_parts_ends_the_session)
{
	int fd = client();

	begin_message(fd, 77);
	send_call(fd, XM_OP_GET_TIME);
	expect_refused(fd, EPROTO);
	cr_expect_eq(hypervisor->n_calls, 0);
}

Test(session, a_total_that_changes_ends_the_session)
{
	int fd = client();
	int total = put_write(MESSAGE);

	begin_message(fd, 77);
	cr_assert(send_part(fd, 77, (size_t)total + 1, XM_WIRE_PART_DATA));
	expect_refused(fd, EPROTO);
}

Test(session, parts_that_are_no_message_together_end_the_session)
{
	int fd = client();

	memset(whole, 0xa5, MESSAGE);
	send_parts(fd, MESSAGE);
	expect_refused(fd, EPROTO);
}

Test(session, a_message_of_another_serial_than_its_parts_ends_the_session)
{
	int fd = client();
	size_t total = (size_t)put_write(MESSAGE);

	whole[8] = 78;
	send_parts(fd, total);
	expect_refused(fd, EPROTO);
	cr_expect_eq(hypervisor->n_calls, 0);
}

Test(session, parts_before_hello_are_malformed)
{
	int fd = connect_only();

	cr_assert(send_part(fd, 77, (size_t)put_write(MESSAGE), 0));
	expect_refused(fd, EPROTO);
}

Test(session, an_unfinished_message_of_who_closes_is_freed)
{
	int fd = client();

	begin_message(fd, 77);
	close(fd);
	turns();
	cr_expect_eq(server->n_sessions, 0);
	cr_expect_eq(server->users.large, 0);
}
