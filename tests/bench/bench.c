// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The bench: what a brokered call costs, compared in one run with a bare echo of the same size.
 *
 *   bench [--quick] [--json] [--policy FILE] BUILD
 *
 * Client, servers and simulator share one processor, so that nothing hides in a second one and a
 * ratio means the same on every machine.  Every round measures all of them in turn; what is printed is
 * the median of the rounds, for ratios the median of the rounds' own ratios.
 */

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "policy/eval.h"
#include "tests/bench/bench.h"

#define ROUNDS_MAX 15
#define SESSIONS 1000
#define DECISIONS 64 /* different requests that are decided in turn */

#define ALICE 20001
#define BOB 20002

struct settings {
	bool json;
	bool quick;
	unsigned int rounds;
	unsigned int calls;     /* of one measurement */
	unsigned int decisions; /* of one measurement */
	unsigned int records;   /* of the audit log that is read */
	const char *policy;
	const char *build;
};

enum subject { ECHO, LOOPBACK, AUDITED, SIM, LARGE, N_SUBJECTS };

static const char *const titles[N_SUBJECTS] = {
	[ECHO] = "bare echo, same size, through epoll", [LOOPBACK] = "XM_get_time, loopback",
	[AUDITED] = "XM_get_time, loopback, audited",   [SIM] = "XM_get_time, xmsim",
	[LARGE] = "  with 64 partitions, 256 channels",
};
static const char *const names[N_SUBJECTS] = { "echo", "loopback", "loopback_audited", "sim",
					       "large" };
static const double aims[N_SUBJECTS] = { [LOOPBACK] = 1.3, [AUDITED] = 1.8 };

struct results {
	double ns[N_SUBJECTS][ROUNDS_MAX];
	double ratio[N_SUBJECTS][ROUNDS_MAX];
	double decision[ROUNDS_MAX];
	double to_small[ROUNDS_MAX]; /* a call of the large system to one of the small one */
	double load[ROUNDS_MAX];     /* ms, of the large one's description */
	double session[2];           /* bytes: PSS, private dirty */
	struct floods floods;
	struct audit_results audit;
	struct policy_results policies;
	bool exact; /* of smaps_rollup; otherwise resident anonymous memory */
};

_Noreturn void bench_die(const char *format, ...)
{
	va_list ap;

	fputs("bench: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	peers_cleanup();
	exit(1);
}

int64_t bench_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(const double *values, unsigned int n)
{
	double sorted[ROUNDS_MAX];

	memcpy(sorted, values, n * sizeof(*values));
	qsort(sorted, n, sizeof(*sorted), compare);
	return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

/* ---- calls --------------------------------------------------------------------------------------------- */

struct call {
	uint8_t msg[256];
	size_t len;
	size_t answer; /* length of the right answer */
};

/* Issues the call once, fully checked, and learns how long an answer is. */
static void try_call(struct call *call, int fd)
{
	struct xm_request req = { .op = XM_OP_GET_TIME };
	static struct xm_reply reply;
	uint8_t msg[256];
	int len = xm_wire_put_call(call->msg, sizeof(call->msg), 1, &req);
	ssize_t n;

	if (len < 0 || send(fd, call->msg, (size_t)len, MSG_NOSIGNAL) < 0)
		bench_die("cannot call: %s", strerror(errno));
	call->len = (size_t)len;
	n = recv(fd, msg, sizeof(msg), 0);
	if (n <= 0 || xm_wire_get_result(msg, (size_t)n, &req, &reply) < 0)
		bench_die("a call is not answered");
	if (reply.code != XM_C_OK)
		bench_die("a call is refused: %s", xm_code_name(reply.code));
	call->answer = (size_t)n;
}

static double measure_calls(const struct call *call, int fd, unsigned int n)
{
	uint8_t msg[256];
	int64_t start = bench_now();

	for (unsigned int i = 0; i < n; i++) {
		if (send(fd, call->msg, call->len, MSG_NOSIGNAL) < 0)
			bench_die("cannot call: %s", strerror(errno));
		if (recv(fd, msg, sizeof(msg), 0) != (ssize_t)call->answer)
			bench_die("call %u is not answered", i);
	}
	return (double)(bench_now() - start) / n;
}

/* ---- decisions ----------------------------------------------------------------------------------------- */

static void fill_request(struct xm_request *req, unsigned int i)
{
	static const unsigned int ops[] = {
		XM_OP_GET_TIME,
		XM_OP_SUSPEND_PARTITION,
		XM_OP_RESUME_PARTITION,
		XM_OP_HALT_PARTITION,
		XM_OP_RESET_PARTITION,
		XM_OP_WRITE_CONSOLE,
		XM_OP_READ_SAMPLING_MESSAGE,
		XM_OP_HALT_SYSTEM,
	};

	memset(req, 0, sizeof(*req));
	req->op = ops[i % 8];
	req->arg[0].num = i / 8 % 3;
	req->arg[1].num = i / 8 % 4;
}

static double measure_decisions(const struct policy_image *image, unsigned int n)
{
	static struct xm_request requests[DECISIONS];
	const struct policy_time now = { .now = time(NULL), .determined = true };
	const uint32_t gid = ALICE;
	unsigned int allowed = 0;
	int64_t start;

	for (unsigned int i = 0; i < DECISIONS; i++)
		fill_request(&requests[i], i);
	start = bench_now();
	for (unsigned int i = 0; i < n; i++) {
		struct policy_subject subject = { .uid = i & 64 ? ALICE : BOB, .gids = &gid };

		allowed += policy_decide(image, &subject, &requests[i % DECISIONS], 0, now, NULL)
				   .effect == POLICY_ALLOW;
	}
	if (allowed == 0 || allowed == n)
		bench_die("the sample policy decides everything alike");
	return (double)(bench_now() - start) / n;
}

/* The sample policy, for users that need not exist, beside its system description. */
static const struct policy_image *compile_sample(const struct settings *settings)
{
	char command[3 * PATH_MAX], path[PEER_PATH];

	peers_file(path, "sample.yaml", NULL);
	snprintf(command, sizeof(command),
		 "sed -e 's/user:alice/user:%d/' -e 's/user:bob/user:%d/' '%s' >'%s' && "
		 "cp \"$(dirname '%s')\"/*.xml '%s'",
		 ALICE, BOB, settings->policy, path, settings->policy, peers_folder());
	if (system(command) != 0)
		bench_die("cannot copy the sample policy %s", settings->policy);
	return peer_compile(settings->build, path);
}

/* ---- memory -------------------------------------------------------------------------------------------- */

static long read_field(const char *path, const char *field)
{
	char line[256];
	FILE *file = fopen(path, "re");
	long value = -1;

	while (file && value < 0 && fgets(line, sizeof(line), file))
		if (!strncmp(line, field, strlen(field)))
			value = strtol(line + strlen(field), NULL, 10);
	if (file)
		fclose(file);
	return value;
}

/* KiB of PSS and private dirty memory; without the right to see them, of anonymous memory. */
static bool read_memory(pid_t pid, double kib[2])
{
	char path[64];
	long pss, dirty;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	pss = read_field(path, "Pss:");
	dirty = read_field(path, "Private_Dirty:");
	if (pss >= 0 && dirty >= 0) {
		kib[0] = (double)pss;
		kib[1] = (double)dirty;
		return true;
	}
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	kib[0] = kib[1] = (double)read_field(path, "RssAnon:");
	return false;
}

static void measure_sessions(const struct peer *peer, struct results *results)
{
	pid_t pid = peer_server(peer);
	double before[2], after[2];
	int fds[SESSIONS];

	results->exact = read_memory(pid, before);
	for (unsigned int i = 0; i < SESSIONS; i++)
		fds[i] = peer_connect(peer);
	read_memory(pid, after);
	for (unsigned int i = 0; i < SESSIONS; i++)
		close(fds[i]);
	for (unsigned int i = 0; i < 2; i++)
		results->session[i] = (after[i] - before[i]) * 1024 / SESSIONS;
}

/* ---- the run ------------------------------------------------------------------------------------------- */

static const char policy_format[] = "version: 1\n"
				    "roles:\n"
				    "  caller:\n"
				    "    - allow: \"@time\"\n"
				    "      audit: %s\n"
				    "grants:\n"
				    "  - {to: everyone, roles: [caller]}\n";

static void start_peers(const struct settings *settings, struct peer peers[N_SUBJECTS])
{
	char quiet[PEER_PATH], loud[PEER_PATH], text[512], backend[PEER_PATH + 8], xml[PEER_PATH];

	snprintf(text, sizeof(text), policy_format, "denied");
	peers_file(quiet, "quiet.yaml", text);
	snprintf(text, sizeof(text), policy_format, "always");
	peers_file(loud, "loud.yaml", text);
	peers_file(xml, "demo.xml", NULL);
	snprintf(backend, sizeof(backend), "sim:%s", xml);
	peer_start(&peers[LOOPBACK], settings->build, "loopback", "loopback", quiet);
	peer_start(&peers[AUDITED], settings->build, "audited", "loopback", loud);
	peer_start(&peers[SIM], settings->build, "sim", backend, quiet);
	large_write(xml);
	snprintf(backend, sizeof(backend), "sim:%s", xml);
	peer_start(&peers[LARGE], settings->build, "large", backend, quiet);
}

static void progress(const struct settings *settings, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void progress(const struct settings *settings, const char *format, ...)
{
	va_list ap;

	if (settings->json || !isatty(STDERR_FILENO))
		return;
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
}

static void measure(const struct settings *settings, struct results *results)
{
	const struct policy_image *image = compile_sample(settings);
	static struct peer peers[N_SUBJECTS];
	char large[PEER_PATH];
	struct call call;
	int fd[N_SUBJECTS];

	start_peers(settings, peers);
	peers_file(large, "large.xml", NULL);
	for (unsigned int i = LOOPBACK; i < N_SUBJECTS; i++) {
		fd[i] = peer_connect(&peers[i]);
		try_call(&call, fd[i]);
	}
	fd[ECHO] = peer_echo(call.answer);
	for (unsigned int i = 0; i < N_SUBJECTS; i++)
		measure_calls(&call, fd[i], settings->calls / 4); /* to warm up */
	for (unsigned int round = 0; round < settings->rounds; round++) {
		progress(settings, "\rround %u of %u", round + 1, settings->rounds);
		for (unsigned int i = 0; i < N_SUBJECTS; i++) {
			results->ns[i][round] = measure_calls(&call, fd[i], settings->calls);
			results->ratio[i][round] = results->ns[i][round] / results->ns[ECHO][round];
		}
		results->decision[round] = measure_decisions(image, settings->decisions);
		results->to_small[round] = results->ns[LARGE][round] / results->ns[SIM][round];
		results->load[round] = large_load(large);
	}
	progress(settings, "\r%*s\r", 20, "");
	measure_sessions(&peers[LOOPBACK], results);
	floods_measure(&peers[LOOPBACK], settings->calls, &results->floods);
	audit_bench(settings->build, settings->records, &results->audit);
	policies_measure(settings->build, settings->quick, settings->rounds, &results->policies);
}

/* ---- output -------------------------------------------------------------------------------------------- */

static void print_table(const struct settings *settings, const struct results *r, int cpu)
{
	printf("Medians of %u rounds of %u calls; all on processor %d.\n\n", settings->rounds,
	       settings->calls, cpu);
	printf("%-40s %12s %10s %8s\n", "", "ns a call", "to echo", "aim");
	for (unsigned int i = 0; i < N_SUBJECTS; i++) {
		printf("%-40s %12.0f %9.2fx", titles[i], median(r->ns[i], settings->rounds),
		       median(r->ratio[i], settings->rounds));
		if (aims[i] > 0)
			printf(" %7.1fx", aims[i]);
		putchar('\n');
	}
	printf("%-40s %12s %9.2fx %7.1fx\n", "  to the same with 3 partitions", "",
	       median(r->to_small, settings->rounds), 1.1);
	printf("\n%-40s %9.1f ms %19s\n", "reading the description of that system",
	       median(r->load, settings->rounds), "1000 ms");
	printf("%-40s %9.1f ns %19s\n", "one decision, sample policy, warm",
	       median(r->decision, settings->rounds), "100 ns");
	printf("%-40s %10.0f B %19s\n", "server, one of 1,000 idle sessions", r->session[0],
	       "4096 B");
	if (r->exact)
		printf("%-40s %10.0f B\n", "  of it private and dirty", r->session[1]);
	else
		puts("  (anonymous memory: only root can see the proportional share)");
	floods_print(&r->floods);
	audit_print(&r->audit);
	policies_print(&r->policies);
}

static void print_json(const struct settings *settings, const struct results *r, int cpu)
{
	printf("{\"rounds\":%u,\"calls\":%u,\"cpu\":%d", settings->rounds, settings->calls, cpu);
	for (unsigned int i = 0; i < N_SUBJECTS; i++)
		printf(",\"%s_ns\":%.0f,\"%s_ratio\":%.3f", names[i],
		       median(r->ns[i], settings->rounds), names[i],
		       median(r->ratio[i], settings->rounds));
	printf(",\"large_to_small\":%.3f,\"load_ms\":%.1f", median(r->to_small, settings->rounds),
	       median(r->load, settings->rounds));
	floods_print_json(&r->floods);
	audit_print_json(&r->audit);
	policies_print_json(&r->policies);
	printf(",\"decision_ns\":%.1f,\"sessions\":%d,\"session_bytes\":%.0f,"
	       "\"session_private_dirty_bytes\":%.0f,\"session_memory\":\"%s\"}\n",
	       median(r->decision, settings->rounds), SESSIONS, r->session[0], r->session[1],
	       r->exact ? "pss" : "anonymous");
}

static void on_signal(int sig)
{
	static const char text[] = "bench: interrupted\n";

	/* The children are asked to stop by the kernel; only their folder is left, and said. */
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(128 + sig);
	peers_cleanup();
	_exit(128 + sig);
}

static int usage(FILE *out, int code)
{
	fputs("Usage: bench [--quick] [--json] [--policy FILE] BUILD\n"
	      "BUILD is the folder with xmbroker and its helpers.\n",
	      out);
	return code;
}

/* -1: go on; otherwise the exit code. */
static int parse(int argc, char *argv[], struct settings *settings)
{
	static const struct option options[] = {
		{ "quick", no_argument, NULL, 'q' },
		{ "json", no_argument, NULL, 'j' },
		{ "policy", required_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'q') {
			settings->quick = true;
			settings->rounds = 3;
			settings->calls = 5000;
			settings->decisions = 100000;
			settings->records = 100000;
		} else if (opt == 'j') {
			settings->json = true;
		} else if (opt == 'p') {
			settings->policy = optarg;
		} else {
			return usage(opt == 'h' ? stdout : stderr, opt == 'h' ? 0 : 2);
		}
	}
	if (optind + 1 != argc)
		return usage(stderr, 2);
	settings->build = argv[optind];
	return -1;
}

int main(int argc, char *argv[])
{
	struct settings settings = {
		.rounds = 9,
		.calls = 30000,
		.decisions = 1000000,
		.records = 1000000,
		.policy = "policy/examples/demo.yaml",
	};
	struct rlimit limit = { 2 * SESSIONS, 2 * SESSIONS };
	static struct results results;
	int code = parse(argc, argv, &settings), cpu;

	if (code >= 0)
		return code;
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 2 * SESSIONS) {
		limit.rlim_cur = limit.rlim_max < 2 * SESSIONS ? limit.rlim_max : 2 * SESSIONS;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	cpu = peers_pin();
	measure(&settings, &results);
	if (settings.json)
		print_json(&settings, &results, cpu);
	else
		print_table(&settings, &results, cpu);
	peers_cleanup();
	return 0;
}
