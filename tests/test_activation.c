// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Policies that come into force: those that would lock out who asks, that drop most grants, that are on
 * trial, that describe another system.
 */

#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "tests/session_rig.h"
#include "xmbroker/activation.h"

TestSuite(session, .init = session_setup, .fini = session_teardown);

#define SOMEBODY 12345

static struct channel_message m;

static struct policy_decision only_first(const struct policy_image *image,
					 const struct policy_subject *subject,
					 const struct xm_request *request)
{
	(void)subject;
	(void)request;
	return fake_image_digest(image) == 1 ? FAKE_ALLOW : FAKE_DENY;
}

/* Asks for a reload, as this uid once the request is in. */
static int ask_as(uid_t uid, uint64_t confirm, uint64_t force)
{
	int fd = client();

	fake_request(XM_OP_BROKER_RELOAD, &req);
	req.arg[XM_A_BROKER_RELOAD_confirm].num = confirm;
	req.arg[XM_A_BROKER_RELOAD_force].num = force;
	cr_assert_gt(send(fd, msg, (size_t)xm_wire_put_call(msg, sizeof(msg), 77, &req), 0), 0);
	turns();
	server->last->id.uid = uid;
	return fd;
}

static bool answered(int fd, uint32_t value, const char *what)
{
	char text[2048] = "";

	fake_request(XM_OP_BROKER_RELOAD, &req);
	cr_assert_eq(result(fd), XM_C_OK);
	memcpy(text, reply.out[XM_A_BROKER_RELOAD_text].data,
	       reply.out[XM_A_BROKER_RELOAD_text].len);
	return reply.value == value && strstr(text, what);
}

static bool status_says(int fd, const char *what)
{
	char text[4096] = "";

	cr_expect_eq(call(fd, XM_OP_BROKER_STATUS), XM_C_OK);
	memcpy(text, reply.out[0].data, reply.out[0].len);
	return strstr(text, what);
}

/* ---- guards ------------------------------------------------------------------------------------------ */

Test(session, a_policy_that_locks_out_who_asks_is_kept_out)
{
	int fd = ask_as(SOMEBODY, 0, 0);

	fake_policy.decide = only_first;
	reload_channel(&m);
	cr_expect_not(m.ok);
	tell(CHANNEL_IMAGE, 2, false, fake_image_fd(2, 3), "");
	tell(CHANNEL_RELOADED, m.number, true, -1, "");
	cr_expect_eq(server->gate.generation, 1);
	cr_expect(answered(fd, 1, "would not let user 12345"));
}

Test(session, a_policy_that_locks_out_who_asks_comes_by_force)
{
	int fd = ask_as(SOMEBODY, 0, 1);

	fake_policy.decide = only_first;
	reload_channel(&m);
	cr_expect(m.ok);
	tell(CHANNEL_IMAGE, 2, true, fake_image_fd(2, 3), "");
	tell(CHANNEL_RELOADED, m.number, true, -1, "");
	cr_expect_eq(server->gate.generation, 2);
	cr_expect(answered(fd, 0, ""));
}

Test(session, root_is_never_locked_out)
{
	int fd = ask_as(0, 0, 0);

	fake_policy.decide = only_first;
	reload_channel(&m);
	tell(CHANNEL_IMAGE, 2, false, fake_image_fd(2, 3), "");
	cr_expect_eq(server->gate.generation, 2);
	tell(CHANNEL_RELOADED, m.number, true, -1, "");
	cr_expect(answered(fd, 0, ""));
}

Test(session, a_policy_with_less_than_half_of_the_grants_is_kept_out)
{
	fake_policy.n_grants[1] = 5;
	fake_policy.n_grants[2] = 2;
	fake_policy.n_grants[3] = 3;
	tell(CHANNEL_IMAGE, 2, false, fake_image_fd(2, 3), "");
	cr_expect_eq(server->gate.generation, 1);
	tell(CHANNEL_IMAGE, 3, false, fake_image_fd(3, 3), "");
	cr_expect_eq(server->gate.generation, 3);
	tell(CHANNEL_IMAGE, 4, true, fake_image_fd(2, 3), "");
	cr_expect_eq(server->gate.generation, 4);
}

/* ---- trial ------------------------------------------------------------------------------------------- */

Test(session, seconds_and_force_reach_the_supervisor)
{
	ask_as(SOMEBODY, 90, 1);
	reload_channel(&m);
	cr_expect(m.ok);
	cr_expect_str_eq(m.text, "90");
}

Test(session, seconds_and_force_have_limits)
{
	int fd = ask_as(SOMEBODY, 86401, 0);

	cr_expect_eq(result(fd), XM_C_INVALID_PARAM);
	fd = ask_as(SOMEBODY, 0, 2);
	cr_expect_eq(result(fd), XM_C_INVALID_PARAM);
}

Test(session, a_trial_is_told_and_recorded)
{
	int fd = client();

	cr_expect(status_says(fd, "policy state: confirmed\n"));
	tell(CHANNEL_TRIAL, 60, false, -1, "on trial: until tomorrow");
	cr_expect(logged("\"reason\":\"on trial: until tomorrow\""));
	cr_expect(status_says(fd, "policy state: unconfirmed, 60 s left\n"));
	let_pass(20000);
	cr_expect_eq(activation_seconds_left(server), 40);
	tell(CHANNEL_TRIAL, 0, false, -1, "confirmed");
	cr_expect(logged("\"reason\":\"confirmed\""));
	cr_expect_eq(activation_seconds_left(server), 0);
}

Test(session, a_confirmation_waits_for_the_supervisor)
{
	int fd = client();

	send_call(fd, XM_OP_BROKER_CONFIRM);
	turns();
	cr_assert_eq(channel_receive(supervisor, &m), 1);
	cr_expect_eq(m.type, CHANNEL_CONFIRM);
	tell(CHANNEL_RELOADED, m.number, false, -1, "there is nothing to confirm\n");
	cr_expect_eq(result(fd), XM_C_OK);
	cr_expect_eq(reply.value, 1);
	cr_expect_eq(memcmp(reply.out[XM_A_BROKER_CONFIRM_text].data, "there is", 8), 0);
}

Test(session, a_confirmation_says_of_what)
{
	int fd = client();

	fake_request(XM_OP_BROKER_CONFIRM, &req);
	req.arg[XM_A_BROKER_CONFIRM_generation].num = 7;
	cr_assert_gt(send(fd, msg, (size_t)xm_wire_put_call(msg, sizeof(msg), 77, &req), 0), 0);
	turns();
	cr_assert_eq(channel_receive(supervisor, &m), 1);
	cr_expect_eq(m.type, CHANNEL_CONFIRM);
	cr_expect_str_eq(m.text, "7");
}

/* ---- system ------------------------------------------------------------------------------------------ */

/* The hypervisor that is faked knows every name as number 0. */
Test(session, an_image_of_another_system_is_kept_out)
{
	server->config.check_system = true;
	fake_policy.max_message = 4096; /* another description */
	tell(CHANNEL_IMAGE, 2, true, fake_image_fd(2, 3), "");
	cr_expect_eq(server->gate.generation, 1);
	cr_expect_not_null(strstr(server->why_kept, "not that of the running hypervisor"));
	cr_expect_not(server->could_force);
	cr_expect_eq(server->gate.count.forwarded, 0);
}

Test(session, the_same_description_is_not_compared_once_more)
{
	server->config.check_system = true;
	tell(CHANNEL_IMAGE, 2, true, fake_image_fd(2, 3), "");
	cr_expect_eq(server->gate.generation, 2);
	cr_expect_eq(hypervisor->n_calls, 0);
}

/* The next connection would show that it is wrong, and end the server. */
Test(session, an_image_of_another_system_is_kept_out_while_the_hypervisor_is_lost)
{
	int fd = client();

	server->config.check_system = true;
	server->gate.hypervisor_lost = true;
	fake_request(XM_OP_BROKER_RELOAD, &req);
	cr_assert_gt(send(fd, msg, (size_t)xm_wire_put_call(msg, sizeof(msg), 77, &req), 0), 0);
	turns();
	reload_channel(&m);
	fake_policy.max_message = 4096; /* another description */
	tell(CHANNEL_IMAGE, 2, true, fake_image_fd(2, 3), "");
	cr_expect_eq(server->gate.generation, 1);
	cr_expect_eq(hypervisor->n_calls, 0);
	tell(CHANNEL_RELOADED, m.number, true, -1, "");
	cr_expect(answered(fd, 1, "hypervisor that it is to be compared with is lost"));
	cr_expect_not(server->could_force);
}

Test(session, one_of_the_same_system_comes_into_force_while_the_hypervisor_is_lost)
{
	server->config.check_system = true;
	server->gate.hypervisor_lost = true;
	tell(CHANNEL_IMAGE, 2, false, fake_image_fd(2, 3), "");
	cr_expect_eq(server->gate.generation, 2);
	cr_expect_eq(hypervisor->n_calls, 0);
	cr_expect_eq(activation_check_system(server, server->gate.image, false), 0);
}

Test(session, the_way_back_is_open_while_the_hypervisor_is_lost)
{
	server->config.check_system = true;
	server->gate.hypervisor_lost = true;
	fake_policy.max_message = 4096; /* another description */
	tell(CHANNEL_IMAGE, 2, true, fake_image_fd(2, 3), "way back");
	cr_expect_eq(server->gate.generation, 2);
}

Test(session, the_image_in_force_is_compared_with_every_new_connection)
{
	server->config.check_system = true;
	cr_expect_lt(activation_check_system(server, server->gate.image, false), 0);
	cr_expect_gt(hypervisor->n_calls, 0);
}
