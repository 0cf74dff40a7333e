// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * xmbrokerctl: asks a running xmbroker about itself.  Its requests are operations of class @broker,
 * which the policy decides like any other.  Owns commands and their output.
 */

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libxm/core/text.h"
#include "xmbroker/xmbrokerctl.h"

#define DEFAULT_SOCKET "/run/xmbroker/socket"

#define EXIT_REFUSED 1
#define EXIT_USAGE 2

#define FIELDS_MAX 24
#define ROWS_MAX 1024 /* of one answer; an answer of 64 KiB holds fewer */

/* ---- text and tables --------------------------------------------------------------------------------- */

struct field {
	const char *key;
	const char *value;
};

struct row {
	struct field field[FIELDS_MAX];
	size_t n;
};

static void add_field(struct row *row, const char *key, const char *value)
{
	if (row->n < FIELDS_MAX)
		row->field[row->n++] = (struct field){ key, value };
}

static bool is_number(const char *s)
{
	size_t len = strspn(s, "0123456789");

	return len > 0 && len < 16 && !s[len] && (s[0] != '0' || len == 1);
}

static void print_json_string(const char *s)
{
	char buf[8192];
	struct text t = TEXT_INIT(buf);

	buf[0] = '\0';
	text_json(&t, s, strnlen(s, sizeof(buf) / 6 - 2)); /* at most six bytes for one */
	fputs(buf, stdout);
}

/* "a,b" as ["a","b"], "-" as []; "hm:12" as {"log":"hm","position":12}; "+3" is a number, of more. */
static void print_json_list(const char *list, bool positions)
{
	char item[256];
	const char *comma = "";
	size_t len;

	putchar('[');
	for (; *list && strcmp(list, "-"); list += len + (list[len] == ',')) {
		char *colon;

		len = strcspn(list, ",");
		snprintf(item, sizeof(item), "%.*s", (int)len, list);
		colon = positions ? strchr(item, ':') : NULL;
		fputs(comma, stdout);
		comma = ",";
		if (colon)
			*colon = '\0';
		fputs(colon ? "{\"log\":" : "", stdout);
		if (*item == '+' && is_number(item + 1))
			fputs(item + 1, stdout);
		else
			print_json_string(item);
		if (colon)
			printf(",\"position\":%llu}", strtoull(colon + 1, NULL, 10));
	}
	putchar(']');
}

static void print_json_value(const struct field *field)
{
	if (!strcmp(field->key, "ports") || !strcmp(field->key, "logs"))
		print_json_list(field->value, !strcmp(field->key, "logs"));
	else if (is_number(field->value) && strcmp(field->key, "comm"))
		fputs(field->value, stdout);
	else
		print_json_string(field->value);
}

static void print_json(const struct row *row)
{
	putchar('{');
	for (size_t i = 0; i < row->n; i++) {
		if (i)
			putchar(',');
		print_json_string(row->field[i].key);
		putchar(':');
		print_json_value(&row->field[i]);
	}
	putchar('}');
}

static void print_cells(const struct row *row, const size_t *width, bool keys)
{
	for (size_t i = 0; i < row->n; i++) {
		const char *cell = keys ? row->field[i].key : row->field[i].value;

		if (i + 1 == row->n)
			printf("%s\n", cell);
		else
			printf("%-*s  ", (int)width[i], cell);
	}
}

static void print_table(const struct row *rows, size_t n)
{
	size_t width[FIELDS_MAX] = { 0 };

	for (size_t r = 0; r < n; r++)
		for (size_t i = 0; i < rows[r].n; i++) {
			size_t a = strlen(rows[r].field[i].key), b = strlen(rows[r].field[i].value);

			width[i] = width[i] > a ? width[i] : a;
			width[i] = width[i] > b ? width[i] : b;
		}
	for (size_t r = 0; r < n; r++) {
		if (r == 0)
			print_cells(&rows[r], width, true);
		print_cells(&rows[r], width, false);
	}
}

/* ---- commands ---------------------------------------------------------------------------------------- */

static int exit_code(int r)
{
	return r < 0 ? EXIT_USAGE : r > 0 ? EXIT_REFUSED : EXIT_SUCCESS;
}

/* What is for people one line, for programs two values or a number with its unit in its name. */
static void add_status(struct row *row, const char *key, char *value)
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
		add_field(row, splits[i].first, value);
		if (splits[i].second)
			add_field(row, splits[i].second, at);
		return;
	}
	add_field(row, key, value);
}

/* "uptime: 12 s" */
static void parse_status(char *text, struct row *row)
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
	struct row row = { .n = 0 };
	int r = ctl_call(ctl, &req);
	char *text;

	(void)arg;
	if (r != 0)
		return exit_code(r);
	text = ctl_text(ctl, XM_A_BROKER_STATUS_text);
	if (ctl->json) {
		parse_status(text, &row);
		print_json(&row);
		putchar('\n');
	} else {
		fputs(text, stdout);
	}
	free(text);
	return EXIT_SUCCESS;
}

static int do_reload(struct ctl *ctl, const char *arg)
{
	struct xm_request req = { .op = XM_OP_BROKER_RELOAD };
	int r = ctl_call(ctl, &req);
	bool kept;
	char *text;

	(void)arg;
	if (r != 0)
		return exit_code(r);
	kept = ctl->reply.value != 0;
	text = ctl_text(ctl, XM_A_BROKER_RELOAD_text);
	if (ctl->json) {
		printf("{\"reloaded\":%s,\"text\":", kept ? "false" : "true");
		/* Line by line, since one string of print_json_string() is short. */
		putchar('[');
		for (char *line = strtok(text, "\n"), *first = line; line;
		     line = strtok(NULL, "\n")) {
			if (line != first)
				putchar(',');
			print_json_string(line);
		}
		puts("]}");
	} else {
		fputs(text, stderr);
		if (kept)
			ctl_complain("the old policy stays in force");
		else
			puts("policy reloaded");
	}
	free(text);
	return kept ? EXIT_REFUSED : EXIT_SUCCESS;
}

/* "12 uid=1000 gid=1000 ... comm=all the rest" */
static void parse_session(char *line, struct row *row)
{
	char *next = strchr(line, ' ');

	add_field(row, "session", line);
	while (next) {
		char *key = next + 1, *equals = strchr(key, '=');

		*next = '\0';
		if (!equals)
			return;
		*equals = '\0';
		add_field(row, key, equals + 1);
		next = strcmp(key, "comm") ? strchr(equals + 1, ' ') : NULL;
	}
}

/* All pages of the list, in the memory that the rows point to. */
struct sessions {
	struct row *rows;
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
	sessions->rows = reallocarray(sessions->rows, sessions->n + ROWS_MAX, sizeof(struct row));
	if (!sessions->rows)
		return ctl_complain("no memory");
	text = ctl_text(ctl, XM_A_BROKER_SESSIONS_text); /* kept until the end */
	for (char *save, *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		struct row *row = &sessions->rows[sessions->n];
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
		return exit_code(r);
	if (!ctl->json) {
		print_table(sessions.rows, sessions.n);
		return EXIT_SUCCESS;
	}
	putchar('[');
	for (size_t i = 0; i < sessions.n; i++) {
		fputs(i ? ",\n" : "", stdout);
		print_json(&sessions.rows[i]);
	}
	puts("]");
	return EXIT_SUCCESS;
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
		return exit_code(r);
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
	int (*run)(struct ctl *ctl, const char *arg);
};

static const struct command commands[] = {
	{ "status", false, do_status },
	{ "reload", false, do_reload },
	{ "sessions", false, do_sessions },
	{ "kick", true, do_kick },
};

/* ---- command line ------------------------------------------------------------------------------------ */

static const char help[] =
	"Usage: xmbrokerctl [--socket PATH] [--json] COMMAND\n"
	"\n"
	"  status      what xmbroker runs on and with, and how it fares\n"
	"  reload      compile the policy again and put it into force if it is good\n"
	"  sessions    the sessions that are open\n"
	"  kick USER   close a user's sessions (name or uid)\n"
	"\n"
	"Exit status: 0 done, 1 refused or failed or the old policy stays, 2 usage or no broker.\n";

static const struct command *find_command(int argc, char *const argv[], const char **argp)
{
	for (size_t i = 0; argc > 0 && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(argv[0], commands[i].name))
			continue;
		if (argc != (commands[i].wants_argument ? 2 : 1))
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
	if (ctl_open(&ctl) < 0)
		return EXIT_USAGE;
	code = command->run(&ctl, arg);
	if (fflush(stdout) == EOF)
		return EXIT_REFUSED;
	return code;
}
