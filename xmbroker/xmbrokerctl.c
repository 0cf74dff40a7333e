// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * xmbrokerctl: asks a running xmbroker about itself.  A small blocking client of the protocol in
 * wire.h: its requests are operations of class @broker, which the policy decides like any other.
 * Must never print a byte from the broker that a terminal could act on.
 */

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "libxm/core/text.h"
#include "libxm/core/wire.h"

#define DEFAULT_SOCKET "/run/xmbroker/socket"
#define TIMEOUT_SECONDS 90 /* longer than a policy may take to compile */

#define EXIT_REFUSED 1
#define EXIT_USAGE 2

#define FIELDS_MAX 16
#define ROWS_MAX 1024 /* of one answer; an answer of 64 KiB holds fewer */

struct ctl {
	int fd;
	const char *socket;
	bool json;
	uint32_t serial;
	struct xm_reply reply;
	uint8_t msg[XM_WIRE_MAX]; /* what a reply points to stays in here until the next call */
};

__attribute__((format(printf, 1, 2))) static int complain(const char *format, ...)
{
	va_list ap;

	fputs("xmbrokerctl: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	return -1;
}

/* ---- connection -------------------------------------------------------------------------------------- */

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval timeout = { .tv_sec = TIMEOUT_SECONDS };
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return complain("%s: the path is too long for a socket", path);
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return complain("socket: %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	complain("cannot reach xmbroker at %s: %s%s", path, strerror(errno),
		 errno == ENOENT || errno == ECONNREFUSED ? " (is it running?)" : "");
	close(fd);
	return -1;
}

static int say_refused(const uint8_t *msg, size_t len)
{
	struct xm_wire_refused refused;
	char line[2 * XM_WIRE_REASON_MAX];
	struct text t = TEXT_INIT(line);

	if (xm_wire_get_refused(msg, len, &refused) < 0)
		return complain("the broker speaks another protocol");
	line[0] = '\0';
	text_safe(&t, refused.reason, strlen(refused.reason));
	return complain("the broker closed the session: %s (%s)", line, strerror(refused.error));
}

/* One message of the broker, which must be of this type; its length or -1, said so. */
static int receive(struct ctl *ctl, enum xm_wire_type type)
{
	struct xm_wire_head head;
	ssize_t n;

	do
		n = recv(ctl->fd, ctl->msg, sizeof(ctl->msg), 0);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return complain("the broker closed the connection");
	if (n < 0)
		return complain("no answer: %s",
				errno == EAGAIN ? "it took too long" : strerror(errno));
	if (xm_wire_get_head(ctl->msg, (size_t)n, &head) < 0)
		return complain("the broker speaks another protocol");
	if (head.type == XM_WIRE_REFUSED)
		return say_refused(ctl->msg, (size_t)n);
	if (head.type != type || (type == XM_WIRE_RESULT && head.serial != ctl->serial))
		return complain("the broker's answer is out of order");
	return (int)n;
}

static int transmit(struct ctl *ctl, int len)
{
	if (len < 0 || send(ctl->fd, ctl->msg, (size_t)len, MSG_NOSIGNAL) < 0)
		return complain("cannot send to the broker: %s", strerror(len < 0 ? -len : errno));
	return 0;
}

static int open_session(struct ctl *ctl)
{
	const struct xm_wire_hello hello = {
		.version_min = XM_WIRE_VERSION,
		.version_max = XM_WIRE_VERSION,
		.profile = XM_PROFILE_ID_3_X,
		.comm = "xmbrokerctl",
	};
	struct xm_wire_welcome welcome;
	int len;

	ctl->fd = connect_to(ctl->socket);
	if (ctl->fd < 0)
		return -1;
	if (transmit(ctl, xm_wire_put_hello(ctl->msg, sizeof(ctl->msg), &hello)) < 0)
		return -1;
	len = receive(ctl, XM_WIRE_WELCOME);
	if (len < 0)
		return -1;
	if (xm_wire_get_welcome(ctl->msg, (size_t)len, &welcome) < 0)
		return complain("the broker speaks another protocol");
	return 0;
}

/* Issues it; 0 when it was done, 1 when it was refused or failed, -1 without an answer, said so. */
static int call(struct ctl *ctl, const struct xm_request *req)
{
	const char *name = xm_ops[req->op].name;
	int len;

	if (transmit(ctl, xm_wire_put_call(ctl->msg, sizeof(ctl->msg), ++ctl->serial, req)) < 0)
		return -1;
	len = receive(ctl, XM_WIRE_RESULT);
	if (len < 0)
		return -1;
	if (xm_wire_get_result(ctl->msg, (size_t)len, req, &ctl->reply) < 0)
		return complain("the broker speaks another protocol");
	if (ctl->reply.code == XM_C_OK)
		return 0;
	if (ctl->reply.code == XM_C_PERM_ERROR)
		complain("permission denied: the policy must allow %s (or @broker) to you", name);
	else
		complain("%s failed: %s", name, xm_code_name(ctl->reply.code));
	return 1;
}

/* ---- text and tables --------------------------------------------------------------------------------- */

struct field {
	const char *key;
	const char *value;
};

struct row {
	struct field field[FIELDS_MAX];
	size_t n;
};

/* The text of a reply as a string of the caller, with line ends but nothing else unprintable. */
static char *take_text(const struct ctl *ctl, unsigned int arg)
{
	const struct xm_value *v = &ctl->reply.out[arg];
	size_t len = v->state == XM_ST_OK ? v->len : 0;
	char *text = malloc(len + 1);

	if (!text) {
		complain("no memory");
		exit(EXIT_REFUSED);
	}
	for (size_t i = 0; i < len; i++) {
		char c = (char)v->data[i];

		text[i] = (c >= 0x20 && c < 0x7f) || c == '\n' || c == '\t' ? c : '?';
	}
	text[len] = '\0';
	return text;
}

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

static void print_json(const struct row *row)
{
	putchar('{');
	for (size_t i = 0; i < row->n; i++) {
		if (i)
			putchar(',');
		print_json_string(row->field[i].key);
		putchar(':');
		if (is_number(row->field[i].value))
			fputs(row->field[i].value, stdout);
		else
			print_json_string(row->field[i].value);
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
		add_field(row, line, colon + 2);
	}
}

static int do_status(struct ctl *ctl, const char *arg)
{
	struct xm_request req = { .op = XM_OP_BROKER_STATUS };
	struct row row = { .n = 0 };
	int r = call(ctl, &req);
	char *text;

	(void)arg;
	if (r != 0)
		return exit_code(r);
	text = take_text(ctl, XM_A_BROKER_STATUS_text);
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
	int r = call(ctl, &req);
	bool kept;
	char *text;

	(void)arg;
	if (r != 0)
		return exit_code(r);
	kept = ctl->reply.value != 0;
	text = take_text(ctl, XM_A_BROKER_RELOAD_text);
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
			complain("the old policy stays in force");
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
	r = call(ctl, &req);
	if (r != 0)
		return r;
	sessions->rows = reallocarray(sessions->rows, sessions->n + ROWS_MAX, sizeof(struct row));
	if (!sessions->rows)
		return complain("no memory");
	text = take_text(ctl, XM_A_BROKER_SESSIONS_text); /* kept until the end */
	for (char *save, *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		struct row *row = &sessions->rows[sessions->n];
		uint64_t number = strtoull(line, NULL, 10);

		if (number < *fromp || ctl->reply.value-- == 0)
			return complain("the broker's list of sessions is out of order");
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
		return complain("there is no user \"%s\"", user);
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
	r = call(ctl, &req);
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
	if (open_session(&ctl) < 0)
		return EXIT_USAGE;
	code = command->run(&ctl, arg);
	if (fflush(stdout) == EOF)
		return EXIT_REFUSED;
	return code;
}
