// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * xmbrokerctl: asks a running xmbroker about itself.  Its requests are operations of class @broker,
 * which the policy decides like any other.  Owns commands and their output.
 */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libxm/core/text.h"
#include "xmbroker/xmbrokerctl.h"

#define DEFAULT_SOCKET "/run/xmbroker/socket"

#define ROWS_MAX 1024 /* of one answer; an answer of 64 KiB holds fewer */

/* ---- commands ---------------------------------------------------------------------------------------- */

int ctl_exit_code(int r)
{
	return r < 0 ? EXIT_USAGE : r > 0 ? EXIT_REFUSED : EXIT_SUCCESS;
}

/* What is for people one line, for programs two values or a number with its unit in its name. */
static void add_status(struct ctl_row *row, const char *key, char *value)
{
	static const struct {
		const char *key, *between, *first, *second;
	} splits[] = {
		{ "uptime", " s", "uptime_s", NULL },
		{ "backend", " (", "backend", "profile" },
		{ "partition", " of ", "partition", "n_partitions" },
		{ "sessions", " of ", "sessions", "max_sessions" },
	};

	for (size_t i = 0; i < sizeof(splits) / sizeof(splits[0]); i++) {
		char *at = strcmp(key, splits[i].key) ? NULL : strstr(value, splits[i].between);

		if (!at)
			continue;
		*at = '\0';
		at += strlen(splits[i].between);
		at[strcspn(at, ")")] = '\0';
		ctl_add(row, splits[i].first, value);
		if (splits[i].second)
			ctl_add(row, splits[i].second, at);
		return;
	}
	ctl_add(row, key, value);
}

/* "uptime: 12 s" */
static void parse_status(char *text, struct ctl_row *row)
{
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		char *colon = strstr(line, ": ");

		if (!colon)
			continue;
		*colon = '\0';
		for (char *c = line; *c; c++)
			if (*c == ' ')
				*c = '_';
		add_status(row, line, colon + 2);
	}
}

static int do_status(struct ctl *ctl, const char *arg)
{
	struct xm_request req = { .op = XM_OP_BROKER_STATUS };
	struct ctl_row row = { .n = 0 };
	int r = ctl_call(ctl, &req);
	char *text;

	(void)arg;
	if (r != 0)
		return ctl_exit_code(r);
	text = ctl_text(ctl, XM_A_BROKER_STATUS_text);
	if (ctl->json) {
		parse_status(text, &row);
		ctl_print_json(&row);
		putchar('\n');
	} else {
		fputs(text, stdout);
	}
	free(text);
	return EXIT_SUCCESS;
}

/* "12 uid=1000 gid=1000 ... comm=all the rest" */
static void parse_session(char *line, struct ctl_row *row)
{
	char *next = strchr(line, ' ');

	ctl_add(row, "session", line);
	while (next) {
		char *key = next + 1, *equals = strchr(key, '=');

		*next = '\0';
		if (!equals)
			return;
		*equals = '\0';
		ctl_add(row, key, equals + 1);
		next = strcmp(key, "comm") ? strchr(equals + 1, ' ') : NULL;
	}
}

/* All pages of the list, in the memory that the rows point to. */
struct sessions {
	struct ctl_row *rows;
	size_t n;
};

static int read_page(struct ctl *ctl, uint64_t *fromp, struct sessions *sessions)
{
	struct xm_request req = { .op = XM_OP_BROKER_SESSIONS };
	char *text;
	int r;

	req.arg[XM_A_BROKER_SESSIONS_from].num = *fromp;
	r = ctl_call(ctl, &req);
	if (r != 0)
		return r;
	sessions->rows =
		reallocarray(sessions->rows, sessions->n + ROWS_MAX, sizeof(struct ctl_row));
	if (!sessions->rows)
		return ctl_complain("no memory");
	text = ctl_text(ctl, XM_A_BROKER_SESSIONS_text); /* kept until the end */
	for (char *save, *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		struct ctl_row *row = &sessions->rows[sessions->n];
		uint64_t number = strtoull(line, NULL, 10);

		if (number < *fromp || ctl->reply.value-- == 0)
			return ctl_complain("the broker's list of sessions is out of order");
		*fromp = number + 1;
		row->n = 0;
		parse_session(line, row);
		sessions->n++;
	}
	return 0;
}

/* Of one user. */
struct sum {
	unsigned long long uid, sessions, setup, calls, bytes;
	bool held;
	char text[5][24];
};

static unsigned long long number_of(const struct ctl_row *row, const char *key)
{
	return strtoull(ctl_get(row, key), NULL, 10);
}

static void add_up(struct sum *sum, const struct ctl_row *row)
{
	sum->sessions++;
	sum->setup += !strcmp(ctl_get(row, "state"), "set-up");
	sum->calls += number_of(row, "calls");
	sum->bytes += number_of(row, "bytes");
	sum->held |= !strcmp(ctl_get(row, "held"), "yes");
}

static void sum_row(struct sum *sum, struct ctl_row *row)
{
	const struct {
		const char *key;
		unsigned long long value;
	} fields[] = {
		{ "uid", sum->uid },     { "sessions", sum->sessions }, { "setup", sum->setup },
		{ "calls", sum->calls }, { "bytes", sum->bytes },
	};

	row->n = 0;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		snprintf(sum->text[i], sizeof(sum->text[i]), "%llu", fields[i].value);
		ctl_add(row, fields[i].key, sum->text[i]);
	}
	ctl_add(row, "held", sum->held ? "yes" : "no");
}

/* The sums of each user, in the order of their first sessions. */
static void print_users(const struct ctl *ctl, const struct sessions *sessions)
{
	struct sum *sums = calloc(sessions->n + 1, sizeof(*sums));
	struct ctl_row *rows = calloc(sessions->n + 1, sizeof(*rows));
	size_t n = 0;

	for (size_t i = 0; sums && rows && i < sessions->n; i++) {
		unsigned long long uid = number_of(&sessions->rows[i], "uid");
		size_t at = 0;

		while (at < n && sums[at].uid != uid)
			at++;
		n += at == n;
		sums[at].uid = uid;
		add_up(&sums[at], &sessions->rows[i]);
	}
	for (size_t i = 0; i < n; i++)
		sum_row(&sums[i], &rows[i]);
	if (sums && rows)
		ctl_print_rows(rows, n, ctl->json);
	else
		ctl_complain("no memory");
	free(sums);
	free(rows);
}

static int do_sessions(struct ctl *ctl, const char *arg)
{
	struct sessions sessions = { NULL, 0 };
	uint64_t from = 0;
	size_t before;
	int r;

	(void)arg;
	do {
		before = sessions.n;
		r = read_page(ctl, &from, &sessions);
	} while (r == 0 && sessions.n > before);
	if (r != 0)
		return ctl_exit_code(r);
	if (ctl->users)
		print_users(ctl, &sessions);
	else
		ctl_print_rows(sessions.rows, sessions.n, ctl->json);
	return EXIT_SUCCESS;
}

/* ---- metrics ----------------------------------------------------------------------------------------- */

/* All pages into a stream. */
static int write_metrics(struct ctl *ctl, FILE *out)
{
	struct xm_request req = { .op = XM_OP_BROKER_METRICS };
	uint64_t from = 0;
	int r;

	do {
		char *text;

		req.arg[XM_A_BROKER_METRICS_from].num = from;
		r = ctl_call(ctl, &req);
		if (r != 0)
			return r;
		text = ctl_text(ctl, XM_A_BROKER_METRICS_text);
		fputs(text, out);
		free(text);
		from += ctl->reply.value;
	} while (ctl->reply.value);
	return fflush(out) == EOF ? ctl_complain("cannot write: %s", strerror(errno)) : 0;
}

/* Whoever reads the file sees the old one or the new one, whole. */
static int write_file(struct ctl *ctl, const char *path)
{
	char temporary[PATH_MAX];
	int fd, r = -1;
	FILE *out;

	if (snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >= (int)sizeof(temporary))
		return ctl_complain("%s: the path is too long", path);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return ctl_complain("cannot write beside %s: %s", path, strerror(errno));
	out = fdopen(fd, "w");
	if (!out) {
		ctl_complain("no memory");
		close(fd);
	} else {
		r = write_metrics(ctl, out);
		if (r == 0 && (fchmod(fd, 0644) < 0 || rename(temporary, path) < 0))
			r = ctl_complain("cannot write %s: %s", path, strerror(errno));
		fclose(out);
	}
	if (r != 0)
		unlink(temporary);
	return r;
}

static int do_metrics(struct ctl *ctl, const char *arg)
{
	(void)arg;
	return ctl_exit_code(ctl->output ? write_file(ctl, ctl->output)
					 : write_metrics(ctl, stdout));
}

static int parse_user(const char *user, uint32_t *uidp)
{
	const struct passwd *pw = getpwnam(user);
	unsigned long long uid;
	char *end;

	if (pw) {
		*uidp = pw->pw_uid;
		return 0;
	}
	errno = 0;
	uid = strtoull(user, &end, 10);
	if (*user < '0' || *user > '9' || *end || errno || uid > UINT32_MAX)
		return ctl_complain("there is no user \"%s\"", user);
	*uidp = (uint32_t)uid;
	return 0;
}

static int do_kick(struct ctl *ctl, const char *arg)
{
	struct xm_request req = { .op = XM_OP_BROKER_KICK };
	uint32_t uid = 0;
	int r;

	if (parse_user(arg, &uid) < 0)
		return EXIT_USAGE;
	req.arg[XM_A_BROKER_KICK_uid].num = uid;
	r = ctl_call(ctl, &req);
	if (r != 0)
		return ctl_exit_code(r);
	if (ctl->json)
		printf("{\"uid\":%" PRIu32 ",\"closed\":%" PRIu32 "}\n", uid, ctl->reply.value);
	else
		printf("%" PRIu32 " session%s closed\n", ctl->reply.value,
		       ctl->reply.value == 1 ? "" : "s");
	return EXIT_SUCCESS;
}

struct command {
	const char *name;
	bool wants_argument;
	bool takes_argument; /* one or none */
	int (*run)(struct ctl *ctl, const char *arg);
};

static const struct command commands[] = {
	{ "status", false, false, do_status },     { "reload", false, false, ctl_reload },
	{ "sessions", false, false, do_sessions }, { "metrics", false, false, do_metrics },
	{ "kick", true, true, do_kick },           { "confirm", false, true, ctl_confirm },
};

/* ---- command line ------------------------------------------------------------------------------------ */

static const char help[] =
	"Usage: xmbrokerctl [--socket PATH] [--json] [--users] [--output FILE]\n"
	"                   [--confirm SECONDS] [--force] COMMAND\n"
	"\n"
	"  status      what xmbroker runs on and with, and how it fares\n"
	"  reload      compile the policy again and put it into force if it is good\n"
	"              --confirm SECONDS: the old one comes back unless confirmed in time\n"
	"              --force: even if it locks you out, or drops most grants\n"
	"  confirm [GENERATION]\n"
	"              keep the policy that was reloaded with --confirm, if it is that one\n"
	"  sessions    the sessions that are open; with --users, their sums for each user\n"
	"  metrics     counters and gauges as OpenMetrics text; with --output, into FILE\n"
	"  kick USER   close a user's sessions (name or uid)\n"
	"\n"
	"Exit status: 0 done, 1 refused or failed or the old policy stays, 2 usage or no broker.\n";

static const struct command *find_command(int argc, char *const argv[], const char **argp)
{
	for (size_t i = 0; argc > 0 && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(argv[0], commands[i].name))
			continue;
		if (argc > (commands[i].takes_argument ? 2 : 1) ||
		    (commands[i].wants_argument && argc == 1))
			return NULL;
		*argp = argc == 2 ? argv[1] : NULL;
		return &commands[i];
	}
	return NULL;
}

/* -1: go on; otherwise the exit code. */
static int parse(int argc, char *argv[], struct ctl *ctl)
{
	static const struct option options[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' },
		{ "users", no_argument, NULL, 'u' },
		{ "output", required_argument, NULL, 'o' },
		{ "confirm", required_argument, NULL, 'c' },
		{ "force", no_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 's':
			ctl->socket = optarg;
			break;
		case 'j':
			ctl->json = true;
			break;
		case 'u':
			ctl->users = true;
			break;
		case 'o':
			ctl->output = optarg;
			break;
		case 'c':
			ctl->confirm = optarg;
			break;
		case 'f':
			ctl->force = true;
			break;
		case 'h':
			fputs(help, stdout);
			return EXIT_SUCCESS;
		case 'V':
			puts("xmbrokerctl " XM_VERSION);
			return EXIT_SUCCESS;
		default:
			return EXIT_USAGE;
		}
	}
	return -1;
}

int main(int argc, char *argv[])
{
	static struct ctl ctl = { .fd = -1 };
	const char *socket_path = secure_getenv("XM_BROKER_SOCKET"), *arg = NULL;
	const struct command *command;
	int code;

	ctl.socket = socket_path && *socket_path ? socket_path : DEFAULT_SOCKET;
	code = parse(argc, argv, &ctl);
	if (code >= 0)
		return code;
	command = find_command(argc - optind, argv + optind, &arg);
	if (!command) {
		fputs(help, stderr);
		return EXIT_USAGE;
	}
	if ((ctl.confirm || ctl.force) && command->run != ctl_reload) {
		ctl_complain("--confirm and --force are of reload");
		return EXIT_USAGE;
	}
	if (ctl_open(&ctl) < 0)
		return EXIT_USAGE;
	code = command->run(&ctl, arg);
	if (fflush(stdout) == EOF)
		return EXIT_REFUSED;
	return code;
}
