// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the tests of the audit writer share.
 */

#include "tests/audit_rig.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <sodium.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

struct audit *audit;
int log_fd;
struct audit_ledger *ledger;
static struct sealed policy;
static struct xm_request req;
static uint32_t gids[] = { 100, 200 };
struct audit_who who;
struct audit_decision decision;

int rig_file(void)
{
	int fd = memfd_create("log", MFD_CLOEXEC);

	cr_assert_geq(fd, 0);
	cr_assert_eq(fcntl(fd, F_SETFL, O_APPEND), 0);
	return fd;
}

void rig_setup(void)
{
	cr_assert_geq(sodium_init(), 0);
	policy = fake_sealed(0xab);
	fake_request(XM_OP_GET_TIME, &req);
	log_fd = rig_file();
	ledger = mmap(NULL, sizeof(*ledger), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	cr_assert_neq(ledger, MAP_FAILED);
	who = (struct audit_who){ 7, 1000, 100, 42, gids, 2, "hello", "/user.slice", "2.4" };
	decision = (struct audit_decision){
		.who = &who,
		.req = &req,
		.allowed = true,
		.why = "rule",
		.image = policy.image,
		.generation = 3,
		.guard = -1,
	};
}

void rig_teardown(void)
{
	rig_limit(-1);
	audit_free(audit);
	audit = NULL;
	close(log_fd);
	munmap(ledger, sizeof(*ledger));
	sealed_unmap(&policy);
}

void rig_limit(off_t more)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = more < 0 ? limit.rlim_max : (rlim_t)(rig_log_size() + more);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

off_t rig_log_size(void)
{
	return lseek(log_fd, 0, SEEK_END);
}

int rig_rotate(int fd, uint64_t epoch)
{
	struct audit_state to = { .sealed = true, .epoch = epoch, .file = 2, .reason = "size" };

	rig_epoch_key(epoch, to.key);
	return audit_rotate(audit, fcntl(fd, F_DUPFD_CLOEXEC, 3), &to);
}

int rig_decide(void)
{
	uint64_t id;

	decision.allowed = true;
	decision.fold = false;
	return audit_decision(audit, &decision, false, &id);
}

int rig_deny(bool fold)
{
	uint64_t id;

	decision.allowed = false;
	decision.fold = fold;
	return audit_decision(audit, &decision, false, &id);
}

/* ---- reading ----------------------------------------------------------------------------------------- */

void rig_epoch_key(uint64_t epoch, uint8_t key[AUDIT_KEY_BYTES])
{
	for (unsigned int i = 0; i < AUDIT_KEY_BYTES; i++)
		key[i] = (uint8_t)i;
	while (epoch--)
		audit_epoch_next(key);
}

/* A log that is being read. */
struct reading {
	struct rig_log *log;
	uint8_t key[AUDIT_KEY_BYTES];
	char piece[1 << 20]; /* that no record has declared */
	size_t piece_len;
	bool may_follow; /* the last record was a start: a recovered may be next */
};

static uint64_t number(const json_t *r, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(r, key));
}

static void check_recovered(struct reading *reading, const json_t *r)
{
	uint8_t hash[AUDIT_TORN_BYTES], said[AUDIT_TORN_BYTES];
	size_t end = strlen(AUDIT_TORN_END "\n");

	cr_assert_gt(reading->piece_len, end);
	cr_assert_arr_eq(reading->piece + reading->piece_len - end, AUDIT_TORN_END "\n", end);
	cr_assert_eq(number(r, "bytes"), reading->piece_len - end);
	audit_torn_hash(reading->piece, reading->piece_len - end, hash);
	cr_assert(audit_hex_get(json_string_value(json_object_get(r, "hash")), said, sizeof(said)));
	cr_assert_arr_eq(hash, said, sizeof(hash));
	reading->piece_len = 0;
	reading->log->recovered++;
}

static void note_type(struct reading *reading, const struct audit_line *line, const json_t *r)
{
	struct rig_log *log = reading->log;
	bool start = audit_line_is(line, "start");

	if (start || audit_line_is(line, "continue")) {
		rig_epoch_key(number(r, "epoch"), reading->key);
		audit_segment_key(reading->key, reading->key);
	}
	cr_assert(!reading->piece_len || start || audit_line_is(line, "recovered"));
	if (audit_line_is(line, "recovered"))
		check_recovered(reading, r);
	log->starts += start;
	log->decisions += audit_line_is(line, "decision");
	if (audit_line_is(line, "decision"))
		log->last_id = number(r, "id");
	log->results += audit_line_is(line, "result");
	log->stops += audit_line_is(line, "stop");
	log->rotates += audit_line_is(line, "rotate");
	log->continues += audit_line_is(line, "continue");
	if (audit_line_is(line, "lost"))
		log->lost += number(r, "records");
	if (!audit_line_is(line, "folded"))
		return;
	log->n_folded++;
	log->folded += number(r, "records");
	if (json_is_true(json_object_get(r, "interrupted")))
		log->interrupted += number(r, "records");
}

static void read_record(struct reading *reading, const char *text, const struct audit_line *line,
			size_t len)
{
	struct audit_state *state = &reading->log->state;
	json_t *r = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	uint8_t seal[AUDIT_SEAL_BYTES];

	cr_assert_not_null(r, "%.*s", (int)len, text);
	cr_assert_eq(line->seq, state->seq + 1, "%.*s", (int)len, text);
	audit_chain_next(state->chain, text, line->body_len);
	cr_assert_arr_eq(state->chain, line->chain, sizeof(line->chain), "%.*s", (int)len, text);
	note_type(reading, line, r);
	if (line->sealed) {
		audit_seal_next(reading->key, line->chain, seal);
		cr_assert_arr_eq(seal, line->seal, sizeof(seal), "%.*s", (int)len, text);
	}
	state->seq = line->seq;
	reading->log->records++;
	reading->may_follow = audit_line_is(line, "start");
	json_decref(r);
}

static void read_file(struct reading *reading, int fd)
{
	static char text[8 << 20];
	ssize_t size = pread(fd, text, sizeof(text), 0);
	const char *at = text, *end = text + size;
	struct audit_line line;

	cr_assert(size >= 0 && (size_t)size < sizeof(text));
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((newline ? newline + 1 : end) - at);

		if (newline && audit_line_parse(at, len - 1, &line)) {
			read_record(reading, at, &line, len - 1);
		} else {
			memcpy(reading->piece + reading->piece_len, at, len);
			reading->piece_len += len;
		}
		at += len;
	}
}

void rig_read(const int *fds, unsigned int n, struct rig_log *logp)
{
	static struct reading reading;

	memset(&reading, 0, sizeof(reading));
	memset(logp, 0, sizeof(*logp));
	reading.log = logp;
	for (unsigned int i = 0; i < n; i++)
		read_file(&reading, fds[i]);
	logp->torn = reading.piece_len;
	logp->state.torn_bytes = (uint32_t)reading.piece_len;
	audit_torn_hash(reading.piece, reading.piece_len, logp->state.torn_hash);
	logp->state.previous = logp->records ? "ended" : "none";
}

void rig_serve(uint64_t epoch)
{
	struct rig_log found;

	audit_free(audit);
	rig_read(&log_fd, 1, &found);
	found.state.sealed = true;
	found.state.epoch = epoch;
	rig_epoch_key(epoch, found.state.key);
	cr_assert_eq(audit_new(fcntl(log_fd, F_DUPFD_CLOEXEC, 3), &found.state, ledger, &audit), 0);
	cr_assert_eq(audit_start(audit, "loopback", 0, decision.image, 3), 0);
}
