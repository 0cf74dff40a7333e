// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The broker's inside as the transport of libxm.  Links in place of libxm/transport.c and
 * libxm/handshake.c.  Owns the gate and its policy.
 */

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libxm/core/wire.h"
#include "libxm/transport.h"
#include "policy/compile.h"
#include "policy/image.h"
#include "tests/same/inprocess.h"
#include "xmbroker/gate.h"

#define CALLER 1000

void (*inprocess_on_call)(const struct xm_request *req);
unsigned long inprocess_n_calls;

static struct gate gate;
static struct gate_batch batch;
static void *image;
static int log_fd = -1;
static uint8_t answer[XM_WIRE_PACKET];
static int answer_len;
static uint8_t space[XM_WIRE_PLAIN];

/* ---- policy ------------------------------------------------------------------------------------------ */

static const char policy[] =
	"version: 1\n"
	"system: \"loopback:\"\n"
	"roles:\n"
	"  tester:\n"
	"    - allow: [\"@time\", \"@status\", \"@hm\", \"@trace\", \"@plan\", \"@ipvi\", "
	"\"@console\"]\n"
	"      audit: always\n"
	"    - allow: \"@ports\"\n"
	"      where: {portName: [attitude, telemetry]}\n"
	"      audit: always\n"
	"    - allow: [XM_suspend_partition, XM_resume_partition, XM_reset_partition]\n"
	"      where: {partition_id: 1..2}\n"
	"      audit: always\n"
	"    - deny: XM_reset_partition\n"
	"      where: {resetMode: XM_WARM_RESET}\n"
	"    - allow: XM_set_timer\n"
	"      where: {clock: [XM_HW_CLOCK, XM_EXEC_CLOCK]}\n"
	"      audit: always\n"
	"    - allow: XM_set_irqmask\n"
	"      where: {hwIrqsMask: 0..3, extIrqsMask: 0..255}\n"
	"      audit: always\n"
	"    - allow: XM_trace_unrecoverable\n"
	"      where: {code: 1..7}\n"
	"      audit: always\n"
	"    - deny: XM_halt_system\n"
	"grants:\n"
	"  - {to: \"user:1000\", roles: [tester]}\n";

/* What it says, by hand. */
static int portname_permits(const struct xm_request *req)
{
	const struct xm_value *name = &req->arg[1];

	if (req->op == XM_OP_CREATE_SAMPLING_PORT || req->op == XM_OP_CREATE_QUEUING_PORT ||
	    req->op == XM_OP_GET_SAMPLING_PORT_INFO || req->op == XM_OP_GET_QUEUING_PORT_INFO)
		return (name->len == 8 && !memcmp(name->data, "attitude", 8)) ||
		       (name->len == 9 && !memcmp(name->data, "telemetry", 9));
	return req->arg[1].num == 0 || req->arg[1].num == 3;
}

int inprocess_permits(const struct xm_request *req)
{
	const struct xm_value *a = req->arg;

	switch (req->op) {
	case XM_OP_SUSPEND_PARTITION:
	case XM_OP_RESUME_PARTITION:
		return a[0].num >= 1 && a[0].num <= 2;
	case XM_OP_RESET_PARTITION:
		return a[0].num >= 1 && a[0].num <= 2 && a[1].num != 1;
	case XM_OP_SET_TIMER:
		return a[0].num <= 1;
	case XM_OP_SET_IRQMASK:
		return a[0].num <= 3 && a[1].num <= 255;
	case XM_OP_TRACE_UNRECOVERABLE:
		return a[3].num >= 1 && a[3].num <= 7;
	default:
		break;
	}
	switch (xm_ops[req->op].class) {
	case XM_CLASS_TIME:
	case XM_CLASS_STATUS:
	case XM_CLASS_HM:
	case XM_CLASS_TRACE:
	case XM_CLASS_PLAN:
	case XM_CLASS_IPVI:
	case XM_CLASS_CONSOLE:
		return 1;
	case XM_CLASS_PORTS:
		return portname_permits(req);
	default:
		return 0;
	}
}

/* ---- hypervisor -------------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t h, uint64_t v)
{
	h ^= v;
	h *= UINT64_C(0x9e3779b97f4a7c15);
	return h ^ (h >> 29);
}

static uint64_t digest(const struct xm_request *req)
{
	uint64_t h = req->op;

	for (unsigned int i = 0; i < xm_ops[req->op].n_args; i++) {
		const struct xm_value *v = &req->arg[i];
		enum xm_type type = xm_ops[req->op].args[i].type;

		h = mix(h, v->state);
		if (xm_type_is_scalar(type))
			h = mix(h, v->num);
		for (uint32_t b = 0; v->data && b < v->len && xm_type_is_in(type); b++)
			h = mix(h, v->data[b]);
	}
	return h;
}

static void put_words(struct xm_reply *reply, unsigned int i, unsigned int n, uint64_t h)
{
	uint64_t *words = xm_reply_put_words(reply, i, n);

	for (unsigned int w = 0; w < n; w++)
		words[w] = mix(h, w);
}

static void put_output(const struct xm_request *req, unsigned int i, uint64_t h,
		       struct xm_reply *reply)
{
	const struct xm_arg *arg = &xm_ops[req->op].args[i];
	uint8_t bytes[16];
	uint64_t cap;

	if (req->arg[i].state != XM_ST_OK)
		return;
	switch (arg->type) {
	case XM_T_U32_OUT:
		xm_reply_put_num(reply, i, (uint32_t)h);
		break;
	case XM_T_S64_OUT:
		xm_reply_put_num(reply, i, h >> 1);
		break;
	case XM_T_STRUCT_OUT:
		put_words(reply, i, xm_structs[arg->ref].n_fields, h);
		break;
	case XM_T_RECORDS_OUT:
		cap = req->arg[i + 1].num < 3 ? req->arg[i + 1].num : 3;
		put_words(reply, i, (unsigned int)cap * xm_structs[arg->ref].n_fields, h);
		reply->value = (uint32_t)cap;
		break;
	case XM_T_DATA_OUT:
		cap = req->arg[arg->ref].num < sizeof(bytes) ? req->arg[arg->ref].num
							     : sizeof(bytes);
		memset(bytes, (int)(h & 0xff), sizeof(bytes));
		xm_reply_put_data(reply, i, bytes, (size_t)cap);
		reply->value = (uint32_t)cap;
		break;
	default:
		break;
	}
}

static void answer_call(struct backend *backend, const struct xm_request *req,
			struct xm_reply *reply)
{
	static const enum xm_code codes[] = { XM_C_OK,
					      XM_C_OK,
					      XM_C_OK,
					      XM_C_OK,
					      XM_C_NO_ACTION,
					      XM_C_INVALID_CONFIG,
					      XM_C_OP_NOT_ALLOWED,
					      XM_C_INVALID_PARAM };
	uint64_t h = digest(req);
	enum xm_code code = codes[h % 8];

	(void)backend;
	inprocess_n_calls++;
	if (inprocess_on_call)
		inprocess_on_call(req);
	if (code != XM_C_OK) {
		xm_reply_fail(reply, code);
		return;
	}
	reply->value = (uint32_t)(h >> 40) % 1000;
	for (unsigned int i = 0; i < xm_ops[req->op].n_args; i++)
		if (!xm_type_is_in(xm_ops[req->op].args[i].type))
			put_output(req, i, h, reply);
}

static void no_info(const struct backend *backend, struct backend_info *infop)
{
	(void)backend;
	*infop = gate.hypervisor;
}

static const struct backend_ops ops = { .name = "recorder", .call = answer_call, .info = no_info };
static struct backend recorder = { &ops };

/* ---- log --------------------------------------------------------------------------------------------- */

/* Takes `"key":value,` out of a line; values are numbers or strings without escapes. */
static void forget(char *line, const char *key)
{
	char *at = strstr(line, key);
	char *end;

	if (!at)
		return;
	end = at + strlen(key);
	if (*end == '"')
		end = strchr(end + 1, '"');
	end += strcspn(end, ",}");
	if (*end == ',')
		end++;
	else if (at[-1] == ',')
		at--;
	memmove(at, end, strlen(end) + 1);
}

static void forget_all(char *line)
{
	static const char *const keys[] = { "\"seq\":",        "\"time\":",  "\"mono\":",
					    "\"id\":",         "\"batch\":", "\"element\":",
					    "\"latency_us\":", "\"chain\":" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		forget(line, keys[i]);
}

const char *inprocess_log(void)
{
	static char text[1 << 16], out[1 << 16];
	ssize_t n = pread(log_fd, text, sizeof(text) - 1, 0);
	size_t len = 0;

	text[n > 0 ? n : 0] = '\0';
	out[0] = '\0';
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		forget_all(line);
		len += (size_t)snprintf(out + len, sizeof(out) - len, "%s\n", line);
	}
	if (ftruncate(log_fd, 0) < 0 || lseek(log_fd, 0, SEEK_SET) < 0)
		abort();
	return out;
}

/* ---- the broker -------------------------------------------------------------------------------------- */

void inprocess_start(enum xm_profile profile)
{
	static const struct policy_options options = { .partition = 0, .system_required = true };
	struct diag diag;
	size_t len;

	diag_init(&diag);
	if (policy_compile_text("p.yaml", policy, strlen(policy), &options, &diag, &image, &len) <
	    0) {
		diag_print(&diag, stderr);
		abort();
	}
	diag_free(&diag);
	log_fd = memfd_create("log", MFD_CLOEXEC);
	gate = (struct gate){
		.image = policy_image_verify(image, len),
		.generation = 1,
		.backend = &recorder,
		.hypervisor = { .profile = profile, .partition = 0, .n_partitions = 3 },
		.batch = &batch,
	};
	if (!gate.image || audit_new(log_fd, NULL, NULL, &gate.audit) < 0)
		abort();
	inprocess_n_calls = 0;
}

void inprocess_stop(void)
{
	audit_free(gate.audit); /* and the log */
	free(image);
}

/* ---- memory -------------------------------------------------------------------------------------------- */

#define SHADOW_BEGIN UINT64_C(0x7fff7000)
#define SHADOW_END UINT64_C(0x10007fff8000)

int __real_memory_probe_write(uintptr_t addr, size_t len);
int __wrap_memory_probe_write(uintptr_t addr, size_t len);

/* Where a sanitizer has its shadow, memory can be written, and is nobody's: a call at random must not. */
int __wrap_memory_probe_write(uintptr_t addr, size_t len)
{
	if (len && addr < SHADOW_END && addr + len > SHADOW_BEGIN)
		return -EFAULT;
	return __real_memory_probe_write(addr, len);
}

/* ---- transport ----------------------------------------------------------------------------------------- */

void transport_ids_get(struct transport_ids *ids)
{
	*ids = (struct transport_ids){ CALLER, CALLER, CALLER, CALLER };
}

int transport_open(enum xm_profile profile, const struct transport_ids *ids,
		   struct xm_wire_welcome *welcomep)
{
	(void)profile;
	(void)ids;
	*welcomep = (struct xm_wire_welcome){
		.version = XM_WIRE_VERSION,
		.profile = (uint8_t)gate.hypervisor.profile,
		.partition = gate.hypervisor.partition,
		.n_partitions = gate.hypervisor.n_partitions,
		.data_max = XM_WIRE_DATA_MAX,
	};
	return memfd_create("connection", MFD_CLOEXEC);
}

int transport_send(int fd, const struct transport_ids *ids, const uint8_t *msg, size_t len)
{
	static const struct gate_caller caller = {
		.subject = { .uid = CALLER },
		.who = { .uid = CALLER,
			 .gid = CALLER,
			 .comm = "test",
			 .cgroup = "",
			 .profile = "" },
	};
	static struct gate_call gate_call;
	static struct xm_reply reply;
	struct gate_answer to = { .reply = &reply, .msg = answer, .cap = sizeof(answer) };

	(void)fd;
	(void)ids;
	xm_reply_init(&reply, space, sizeof(space));
	if (gate_message(&gate, &caller, msg, len, &gate_call, &to) != 0 || to.len < 0)
		abort(); /* libxm never sends what is malformed */
	answer_len = to.len;
	return 0;
}

ssize_t transport_receive(int fd, uint8_t *msg, size_t cap)
{
	(void)fd;
	if ((size_t)answer_len > cap)
		abort();
	memcpy(msg, answer, (size_t)answer_len);
	return answer_len;
}

ssize_t transport_receive_now(int fd, uint8_t *msg, size_t cap)
{
	(void)fd;
	(void)msg;
	(void)cap;
	return -EAGAIN;
}
