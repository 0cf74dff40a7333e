// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The bench's large policies: what compiling, proving and deciding cost with 10 to 100,000 rules, and
 * what a client waits while one of 10,000 is read anew.
 *
 * Times of programs and decisions are of the processor, so that others who use it do not count.  A
 * decision is cold: requests and users are random, and there are so many copies of each image, of which
 * each decision takes another, that none of them is in the cache.  Only what is asked, and the header of
 * the image, which every decision looks at, are on their way into it.
 */

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "policy/eval.h"
#include "tests/bench/bench.h"
#include "tests/bench/rules.h"

#define ASKERS (1u << 15)
#define WARM 64 /* askers that come again and again */
#define AHEAD 6 /* askers that are on their way */
#define PAGE 4096u
#define HEADER 320u /* bytes of an image */
#define CACHE_DEFAULT (32u << 20)
#define CHECKED 10000 /* rules of the policy that is proved and read anew */
#define RELOADS 3
#define RELOAD_S 60
#define PAUSE_US 200

static const unsigned int all_sizes[POLICY_SIZES] = { 10, 100, 1000, 10000, 100000 };
static const bool quick_sizes[POLICY_SIZES] = { true, false, true, true, false };

/* ---- programs ---------------------------------------------------------------------------------- */

struct cost {
	double seconds; /* of the processor */
	double mib;     /* the most memory */
};

/* Runs xmpolicy on the files of a policy. */
static struct cost run(const char *build, const char *const *option, const struct policy_size *size)
{
	const char *argv[RULES_FILES + 8];
	char program[PATH_MAX], file[RULES_FILES][PEER_PATH], name[64];
	struct rusage usage;
	size_t n = 0;
	int status;
	pid_t pid;

	snprintf(program, sizeof(program), "%s/xmpolicy", build);
	argv[n++] = program;
	while (*option)
		argv[n++] = *option++;
	for (unsigned int i = 0; i < size->files; i++) {
		snprintf(name, sizeof(name), "rules-%u-%u.yaml", size->rules, i);
		peers_file(file[i], name, NULL);
		argv[n++] = file[i];
	}
	argv[n] = NULL;
	pid = fork();
	if (pid == 0) {
		if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
			_exit(127);
		execv(program, (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &usage) != pid || status != 0)
		bench_die("xmpolicy %s of a policy of %u rules fails", argv[1], size->rules);
	return (struct cost){
		(double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
			(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6,
		(double)usage.ru_maxrss / 1024,
	};
}

/* ---- images ------------------------------------------------------------------------------------ */

/* One policy, so often that it does not fit into the cache. */
struct copies {
	uint8_t *base;
	size_t step;
	size_t len;
	uint32_t n;
	const struct policy_image *image; /* the first of them */
	struct rules_asker *askers;
};

static size_t cache_size(void)
{
	long size = sysconf(_SC_LEVEL3_CACHE_SIZE);

	return size > 0 ? (size_t)size : CACHE_DEFAULT;
}

static void *map(size_t len)
{
	void *base = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (base == MAP_FAILED)
		bench_die("no memory");
	return base;
}

static void make_copies(struct copies *c, const char *path)
{
	struct stat st;
	FILE *file = fopen(path, "re");

	if (!file || fstat(fileno(file), &st) < 0)
		bench_die("cannot read %s: %s", path, strerror(errno));
	c->len = (size_t)st.st_size;
	c->step = (c->len + PAGE - 1) / PAGE * PAGE;
	c->n = (uint32_t)(2 * cache_size() / c->step) + 1;
	c->base = map(c->n * c->step);
	if (fread(c->base, 1, c->len, file) != c->len)
		bench_die("cannot read %s", path);
	fclose(file);
	for (uint32_t i = 1; i < c->n; i++)
		memcpy(c->base + i * c->step, c->base, c->len);
	c->image = policy_image_verify(c->base, c->len);
	if (!c->image)
		bench_die("the image of a large policy does not verify");
}

static void draw_askers(struct copies *c, unsigned int rules)
{
	struct rules made = rules_of(rules);

	c->askers = map(ASKERS * sizeof(*c->askers));
	for (uint32_t i = 0; i < ASKERS; i++) {
		struct rules_asker *a = &c->askers[i];

		rules_draw(&made, a);
		a->n_gids = (uint32_t)policy_image_filter_groups(c->image, a->gids, a->n_gids);
	}
}

static void free_copies(struct copies *c)
{
	munmap(c->base, c->n * c->step);
	munmap(c->askers, ASKERS * sizeof(*c->askers));
}

/* ---- decisions --------------------------------------------------------------------------------- */

static int64_t cpu_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static uint32_t copy_of(uint32_t i, uint32_t copies)
{
	return (uint32_t)((i * UINT64_C(2654435761)) >> 4) % copies;
}

static void fetch(const void *what, size_t len)
{
	for (size_t at = 0; at < len; at += 64)
		__builtin_prefetch((const uint8_t *)what + at);
}

static void fetch_next(const struct copies *c, uint32_t i)
{
	fetch(&c->askers[i % ASKERS], sizeof(c->askers[0]));
	fetch(c->base + copy_of(i, c->n) * c->step, HEADER);
}

static unsigned int decide(const struct copies *c, uint32_t copy, const struct rules_asker *asker,
			   struct policy_time time)
{
	const void *image = c->base + copy * c->step;
	const struct policy_subject subject = { .uid = asker->uid,
						.gids = asker->gids,
						.n_gids = asker->n_gids };

	return policy_decide(image, &subject, &asker->req, 0, time, NULL).effect == POLICY_ALLOW;
}

/* Of `n` askers, over and over, each from another of so many copies. */
static double measure(const struct copies *c, uint32_t n, uint32_t copies)
{
	const struct policy_time now = { .now = time(NULL), .determined = true };
	unsigned int allowed = 0;
	int64_t start = cpu_now();

	for (uint32_t i = 0; i < ASKERS; i++) {
		if (n == ASKERS)
			fetch_next(c, i + AHEAD);
		allowed += decide(c, copy_of(i, copies), &c->askers[i % n], now);
	}
	if (allowed == 0 || allowed == ASKERS)
		bench_die("a large policy decides everything alike");
	return (double)(cpu_now() - start) / ASKERS;
}

/* ---- a reload ---------------------------------------------------------------------------------- */

static unsigned int count_reloads(const char *log)
{
	char line[512];
	FILE *file = fopen(log, "re");
	unsigned int n = 0;

	while (file && fgets(line, sizeof(line), file)) {
		if (strstr(line, "the policy is bad") || strstr(line, "refused the new policy"))
			bench_die("a large policy is not reloaded:\n%s", line);
		n += strstr(line, "policy reloaded") != NULL;
	}
	if (file)
		fclose(file);
	return n;
}

static int64_t call(int fd, const uint8_t *msg, size_t len)
{
	struct xm_request req = { .op = XM_OP_GET_TIME };
	static struct xm_reply reply;
	uint8_t answer[1024];
	int64_t start = bench_now();
	ssize_t n;

	if (send(fd, msg, len, MSG_NOSIGNAL) < 0)
		bench_die("a call fails while the policy is reloaded: %s", strerror(errno));
	n = recv(fd, answer, sizeof(answer), 0);
	if (n <= 0 || xm_wire_get_result(answer, (size_t)n, &req, &reply) < 0 ||
	    reply.code != XM_C_OK)
		bench_die("a call is refused while the policy is reloaded");
	return bench_now() - start;
}

/* The longest of the calls until the policy was reloaded, or for a time. */
static double longest(int fd, const char *log, unsigned int reloads, int64_t ns, unsigned int *np)
{
	struct xm_request req = { .op = XM_OP_GET_TIME };
	int64_t worst = 0, begin = bench_now(), end;
	uint8_t msg[256];
	int len = xm_wire_put_call(msg, sizeof(msg), 1, &req);

	if (len < 0)
		bench_die("cannot make a call");
	do {
		int64_t one = call(fd, msg, (size_t)len);

		worst = one > worst ? one : worst;
		++*np;
		usleep(PAUSE_US);
		end = bench_now();
		if (end - begin > RELOAD_S * INT64_C(1000000000))
			bench_die("a large policy is not reloaded in %d s", RELOAD_S);
	} while (log ? *np % 64 || count_reloads(log) < reloads : end - begin < ns);
	return (double)worst / 1e6;
}

static void measure_reloads(const char *build, struct policy_results *results)
{
	char policy[PEER_PATH], log[PEER_PATH], xml[PEER_PATH], backend[PEER_PATH + 8], name[64];
	unsigned int calls = 0;
	struct peer peer;
	int fd;

	snprintf(name, sizeof(name), "rules-%u-0.yaml", CHECKED);
	peers_file(policy, name, NULL);
	peers_file(log, "reloaded.log", NULL);
	peers_file(xml, "large.xml", NULL);
	snprintf(backend, sizeof(backend), "sim:%s", xml);
	peer_start(&peer, build, "reloaded", backend, policy);
	fd = peer_connect(&peer);
	results->quiet_ms = longest(fd, NULL, 0, 1000000000, &calls);
	results->reload_calls = 0;
	for (unsigned int i = 1; i <= RELOADS; i++) {
		double worst;

		kill(peer.pid, SIGHUP);
		worst = longest(fd, log, i, 0, &results->reload_calls);
		results->reload_ms = worst > results->reload_ms ? worst : results->reload_ms;
	}
	close(fd);
}

/* ---- the whole --------------------------------------------------------------------------------- */

static void measure_size(const char *build, struct policy_size *size, unsigned int rounds)
{
	const struct rules rules = rules_of(size->rules);
	char image[PEER_PATH], name[64];
	const char *option[] = { "compile", "--output", image, NULL };
	struct copies c;

	snprintf(name, sizeof(name), "rules-%u", size->rules);
	size->files = rules_write(&rules, peers_folder(), name, "large.xml");
	snprintf(name, sizeof(name), "rules-%u.image", size->rules);
	peers_file(image, name, NULL);
	size->compile_s = run(build, option, size).seconds;
	make_copies(&c, image);
	draw_askers(&c, size->rules);
	size->bytes = (double)c.len;
	size->cold_ns = size->warm_ns = 1e18;
	for (unsigned int i = 0; i < rounds; i++) {
		double cold = measure(&c, ASKERS, c.n), warm = measure(&c, WARM, 1);

		size->cold_ns = cold < size->cold_ns ? cold : size->cold_ns;
		size->warm_ns = warm < size->warm_ns ? warm : size->warm_ns;
	}
	free_copies(&c);
}

void policies_measure(const char *build, bool quick, unsigned int rounds,
		      struct policy_results *results)
{
	const char *option[] = { "check", NULL };
	double least = 1e18, most = 0;

	for (unsigned int i = 0; i < POLICY_SIZES; i++) {
		struct policy_size *size = &results->size[results->n];

		if (quick && !quick_sizes[i])
			continue;
		results->n++;
		size->rules = all_sizes[i];
		measure_size(build, size, rounds);
		least = size->cold_ns < least ? size->cold_ns : least;
		most = size->cold_ns > most ? size->cold_ns : most;
		if (size->rules == CHECKED) {
			struct cost check = run(build, option, size);

			results->check_s = check.seconds;
			results->check_mib = check.mib;
		}
	}
	results->flat = most / least;
	measure_reloads(build, results);
}

/* ---- output ------------------------------------------------------------------------------------ */

void policies_print(const struct policy_results *r)
{
	printf("\n%-40s %12s %10s %9s %9s\n", "Policies of so many rules", "compile", "image",
	       "cold", "warm");
	for (unsigned int i = 0; i < r->n; i++)
		printf("%-40u %9.2f s %7.2f MiB %6.0f ns %6.0f ns\n", r->size[i].rules,
		       r->size[i].compile_s, r->size[i].bytes / (1 << 20), r->size[i].cold_ns,
		       r->size[i].warm_ns);
	printf("%-40s %12s %11s %9s %9s\n", "  aim (compile, image: of 10,000)", "1 s", "8 MiB",
	       "1000 ns", "100 ns");
	printf("%-40s %9.2fx %19s\n", "a cold decision, dearest to cheapest", r->flat, "3x");
	printf("%-40s %9.2f s %19s\n", "xmpolicy check of 10,000, all proofs", r->check_s, "5 s");
	printf("%-40s %7.0f MiB %19s\n", "  its memory", r->check_mib, "500 MiB");
	printf("%-40s %8.2f ms %19s\n", "longest call while 10,000 are reloaded", r->reload_ms,
	       "10 ms");
	printf("%-40s %8.2f ms   (of %u calls in %d reloads, none failed)\n",
	       "  longest in a second without", r->quiet_ms, r->reload_calls, RELOADS);
}

void policies_print_json(const struct policy_results *r)
{
	fputs(",\"policies\":[", stdout);
	for (unsigned int i = 0; i < r->n; i++)
		printf("%s{\"rules\":%u,\"compile_s\":%.3f,\"image_bytes\":%.0f,\"cold_ns\":%.1f,"
		       "\"warm_ns\":%.1f}",
		       i ? "," : "", r->size[i].rules, r->size[i].compile_s, r->size[i].bytes,
		       r->size[i].cold_ns, r->size[i].warm_ns);
	printf("],\"cold_flat\":%.3f,\"check_s\":%.3f,\"check_mib\":%.1f,\"reload_calls\":%u,"
	       "\"reload_longest_ms\":%.3f,\"quiet_longest_ms\":%.3f",
	       r->flat, r->check_s, r->check_mib, r->reload_calls, r->reload_ms, r->quiet_ms);
}
