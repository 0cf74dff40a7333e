// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * conformance: runs the rows and prints what came of each.
 *
 *	conformance [--system FILE] [--claims FILE] [--peer N=SOCKET ...] [--brokered]
 *	            [--control SOCKET] [--only TEXT] [--json] [--list]
 *
 * The hypervisor, or the broker before it, is where XM_BROKER_SOCKET says.  --claims: a file with the
 * rows that the backend claims, one "section name" a line, and a * for the rest of a line; without
 * it, all are claimed.  --peer: what a process of partition N sets XM_BROKER_SOCKET to.
 * --brokered: a broker is between, which reopens ports.  Exit: 0 nothing failed, 1 something did, 2
 * usage.
 */

#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/conformance/conformance.h"

#define CLAIMS 256
#define CHILD_S 60

struct options {
	const char *system, *claims, *only;
	bool json, list;
};

struct totals {
	unsigned int rows, passed, failed, unclaimed, checks;
};

static const struct row *const families[] = {
	object_rows, console_rows, sampling_rows, queuing_rows,   log_rows,  memory_rows,
	hm_rows,     trace_rows,   status_rows,   partition_rows, vcpu_rows, time_rows,
	plan_rows,   irq_rows,     call_rows,     stop_rows,
};
static char claims[CLAIMS][128];
static int n_claims = -1; /* -1: all */

/* ---- claims --------------------------------------------------------------------------------------- */

static bool read_claims(const char *path)
{
	FILE *file = fopen(path, "re");

	if (!file) {
		fprintf(stderr, "conformance: %s: %s\n", path, strerror(errno));
		return false;
	}
	n_claims = 0;
	while (n_claims < CLAIMS && fgets(claims[n_claims], sizeof(claims[0]), file)) {
		claims[n_claims][strcspn(claims[n_claims], "\n")] = '\0';
		if (claims[n_claims][0] && claims[n_claims][0] != '#')
			n_claims++;
	}
	fclose(file);
	return true;
}

static void title_of(const struct row *row, char title[128])
{
	snprintf(title, 128, "%s %s", row->section, row->name);
}

static bool is_claimed(const struct row *row)
{
	char title[128];

	title_of(row, title);
	for (int i = 0; i < n_claims; i++) {
		size_t len = strcspn(claims[i], "*");

		if (claims[i][len] ? !strncmp(claims[i], title, len) : !strcmp(claims[i], title))
			return true;
	}
	return n_claims < 0;
}

/* ---- running -------------------------------------------------------------------------------------- */

/* In a process of its own, whose report comes through a pipe. */
static void run_apart(const struct row *row)
{
	int ends[2], status;
	pid_t pid;

	fflush(NULL);
	if (pipe(ends) < 0)
		return;
	pid = fork();
	if (pid == 0) {
		alarm(CHILD_S);
		row->run();
		peers_end();
		_exit(write(ends[1], &report, sizeof(report)) != (ssize_t)sizeof(report));
	}
	close(ends[1]);
	if (read(ends[0], &report, sizeof(report)) != (ssize_t)sizeof(report))
		check_true(__FILE__, __LINE__, "the process of the row ends by itself", false);
	close(ends[0]);
	waitpid(pid, &status, 0);
}

static void run_row(const struct row *row)
{
	memset(&report, 0, sizeof(report));
	if (row->stops)
		run_apart(row);
	else
		row->run();
}

/* ---- printing ------------------------------------------------------------------------------------- */

static void print_text(const struct row *row, bool claimed)
{
	char title[128];

	title_of(row, title);
	if (!claimed)
		printf("%-66s      -      -      -  not claimed\n", title);
	else
		printf("%-66s %6u %6u %6u%s%s\n", title, report.tried, report.tried - report.failed,
		       report.failed, report.lacks[0] ? "  lacks " : "", report.lacks);
	if (claimed)
		fputs(report.text, stdout);
}

static void print_string(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			printf("\\%c", *s);
		else if ((unsigned char)*s < 0x20)
			printf("\\u%04x", (unsigned int)*s);
		else
			putchar(*s);
	}
	putchar('"');
}

static void print_json(const struct row *row, bool claimed)
{
	printf("{\"section\":\"%s\",\"row\":", row->section);
	print_string(row->name);
	if (!claimed) {
		puts(",\"claimed\":false}");
		return;
	}
	printf(",\"claimed\":true,\"tried\":%u,\"passed\":%u,\"failed\":%u,\"lacks\":",
	       report.tried, report.tried - report.failed, report.failed);
	print_string(report.lacks);
	fputs(",\"text\":", stdout);
	print_string(report.text);
	puts("}");
}

static void count(struct totals *totals, bool claimed)
{
	totals->rows++;
	totals->checks += report.tried;
	if (!claimed)
		totals->unclaimed++;
	else if (report.failed || report.lacks[0] || !report.tried)
		totals->failed++;
	else
		totals->passed++;
}

static void one(const struct options *o, const struct row *row, struct totals *totals)
{
	bool claimed = is_claimed(row);
	char title[128];

	title_of(row, title);
	if (o->only && !strstr(title, o->only))
		return;
	if (o->list) {
		puts(title);
		return;
	}
	memset(&report, 0, sizeof(report));
	if (claimed)
		run_row(row);
	count(totals, claimed);
	(o->json ? print_json : print_text)(row, claimed);
	fflush(stdout);
}

static int run(const struct options *o)
{
	struct totals totals = { 0 };

	if (!o->json && !o->list)
		printf("%-66s  tried passed failed\n", "row");
	for (int last = 0; last <= 1; last++)
		for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
			for (const struct row *row = families[i]; row->name; row++)
				if (row->stops == last)
					one(o, row, &totals);
	peers_end();
	if (o->json)
		printf("{\"rows\":%u,\"passed\":%u,\"failed\":%u,\"unclaimed\":%u,\"checks\":%u}\n",
		       totals.rows, totals.passed, totals.failed, totals.unclaimed, totals.checks);
	else if (!o->list)
		printf("%u rows: %u passed, %u failed, %u not claimed; %u checks\n", totals.rows,
		       totals.passed, totals.failed, totals.unclaimed, totals.checks);
	return totals.failed ? 1 : 0;
}

/* ---- options -------------------------------------------------------------------------------------- */

static int usage(FILE *out, int code)
{
	fputs("usage: conformance [--system FILE] [--claims FILE] [--peer N=SOCKET ...]\n"
	      "                   [--brokered] [--control SOCKET] [--only TEXT] [--json] "
	      "[--list]\n",
	      out);
	return code;
}

static bool add_peer(char *text)
{
	char *end;
	unsigned long id = strtoul(text, &end, 10);

	if (end == text || *end != '=')
		return false;
	peer_add((unsigned int)id, end + 1);
	return true;
}

/* -1: go on; otherwise the exit code. */
static int parse(int argc, char *argv[], struct options *o)
{
	static const struct option options[] = {
		{ "system", required_argument, NULL, 's' },
		{ "claims", required_argument, NULL, 'c' },
		{ "peer", required_argument, NULL, 'p' },
		{ "brokered", no_argument, NULL, 'b' },
		{ "control", required_argument, NULL, 'k' },
		{ "only", required_argument, NULL, 'o' },
		{ "json", no_argument, NULL, 'j' },
		{ "list", no_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 's')
			o->system = optarg;
		else if (opt == 'c')
			o->claims = optarg;
		else if (opt == 'b')
			machine.brokered = true;
		else if (opt == 'k')
			machine_control = optarg;
		else if (opt == 'o')
			o->only = optarg;
		else if (opt == 'j')
			o->json = true;
		else if (opt == 'l')
			o->list = true;
		else if (opt != 'p' || !add_peer(optarg))
			return usage(opt == 'h' ? stdout : stderr, opt == 'h' ? 0 : 2);
	}
	return optind == argc ? -1 : usage(stderr, 2);
}

int main(int argc, char *argv[])
{
	struct options o = { .system = "tests/conformance/system.txt" };
	int code = parse(argc, argv, &o);

	if (code >= 0)
		return code;
	signal(SIGPIPE, SIG_IGN);
	if (o.claims && !read_claims(o.claims))
		return 2;
	if (o.list)
		return run(&o);
	if (!machine_load(o.system))
		return 2;
	if (machine_time() < 0) {
		fprintf(stderr, "conformance: the hypervisor cannot be asked the time: %s\n",
			strerror(errno));
		return 2;
	}
	return run(&o);
}
