// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * xmaudit: shows and searches the audit log.  Owns the command line and the following of a file.
 * Reads only.
 */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libxm/core/table.h"
#include "xmbroker/xmaudit.h"

#define DEFAULT_FILE "/var/log/xmbroker/audit.jsonl"
#define FOLLOW_NS 250000000
#define LINE_BYTES 32768

enum { EXIT_GOOD = 0, EXIT_BAD_LINES = 1, EXIT_USAGE = 2 };

struct options {
	const char *file;
	bool json, follow;
	unsigned long n; /* last entries to show; 0: all */
	struct xmaudit_filter filter;
};

/* Entries on their way out; the last n are kept until the end is known. */
struct output {
	const struct options *options;
	struct xmaudit_entry *kept; /* ring of options->n */
	unsigned long n_kept, next;
};

static const char usage_text[] =
	"usage: xmaudit tail [-f] [-n N] [--json] [FILE]\n"
	"       xmaudit search [--user U] [--group G] [--op NAME] [--decision allow|deny]\n"
	"                      [--rule FILE:LINE] [--since T] [--until T] [--arg NAME=VALUE]\n"
	"                      [--json] [FILE]\n"
	"FILE is " DEFAULT_FILE " unless given.\n";

/* ---- output ------------------------------------------------------------------------------------------ */

static void print_entry(const struct options *o, const struct xmaudit_entry *entry)
{
	char line[LINE_BYTES];
	struct text t = TEXT_INIT(line);
	char *json;

	if (o->json) {
		json = xmaudit_json(entry);
		if (json)
			puts(json);
		free(json);
		return;
	}
	line[0] = '\0';
	xmaudit_line(&t, entry);
	puts(line);
}

static void on_entry(void *data, struct xmaudit_entry *entry)
{
	struct output *out = data;
	struct xmaudit_entry *slot;

	if (!xmaudit_matches(&out->options->filter, entry->record))
		return;
	if (!out->kept) {
		print_entry(out->options, entry);
		return;
	}
	slot = &out->kept[out->next];
	xmaudit_entry_free(slot);
	*slot = *entry;
	*entry = (struct xmaudit_entry){ 0 };
	out->next = (out->next + 1) % out->options->n;
	if (out->n_kept < out->options->n)
		out->n_kept++;
}

/* Prints what was kept; from now on entries are printed as they come. */
static void flush_kept(struct output *out)
{
	unsigned long n = out->options->n;

	if (!out->kept)
		return;
	for (unsigned long i = 0; i < out->n_kept; i++) {
		struct xmaudit_entry *e = &out->kept[(out->next + n - out->n_kept + i) % n];

		print_entry(out->options, e);
		xmaudit_entry_free(e);
	}
	free(out->kept);
	out->kept = NULL;
}

/* ---- input ------------------------------------------------------------------------------------------- */

static int read_all(struct xmaudit_reader *reader, int fd)
{
	char buf[65536];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		xmaudit_feed(reader, buf, (size_t)n);
	}
	return 0;
}

/* Whether the name now stands for another file than the one that is open, which is at its end. */
static bool was_replaced(const char *file, int fd)
{
	struct stat open_one, named;

	return fstat(fd, &open_one) == 0 && stat(file, &named) == 0 &&
	       (open_one.st_ino != named.st_ino || open_one.st_dev != named.st_dev);
}

static int follow(struct xmaudit_reader *reader, int *fdp)
{
	const struct timespec pause = { 0, FOLLOW_NS };

	for (;;) {
		bool replaced = was_replaced(reader->file, *fdp);
		int r = read_all(reader, *fdp);

		fflush(stdout);
		if (r < 0 || ferror(stdout))
			return r;
		if (replaced) {
			int fd = open(reader->file, O_RDONLY | O_CLOEXEC);

			if (fd >= 0) {
				xmaudit_end(reader);
				reader->line = 0;
				close(*fdp);
				*fdp = fd;
				continue;
			}
		}
		nanosleep(&pause, NULL);
	}
}

static int show(const struct options *o)
{
	struct xmaudit_reader *reader = calloc(1, sizeof(*reader));
	struct output out = { .options = o };
	int fd = open(o->file, O_RDONLY | O_CLOEXEC);
	unsigned long bad = 0;
	int r = 0;

	if (o->n)
		out.kept = calloc(o->n, sizeof(*out.kept));
	if (!reader || fd < 0 || (o->n && !out.kept)) {
		fprintf(stderr, "xmaudit: %s: %s\n", o->file, strerror(fd < 0 ? errno : ENOMEM));
		r = -1;
		goto out;
	}
	reader->file = o->file;
	reader->fn = on_entry;
	reader->data = &out;
	r = read_all(reader, fd);
	if (r == 0 && o->follow) {
		flush_kept(&out);
		r = follow(reader, &fd);
	}
	if (r < 0)
		fprintf(stderr, "xmaudit: %s: %s\n", o->file, strerror(-r));
	xmaudit_end(reader);
	bad = reader->bad;
	flush_kept(&out);
out:
	free(out.kept);
	free(reader);
	if (fd >= 0)
		close(fd);
	if (r < 0)
		return EXIT_USAGE;
	return bad ? EXIT_BAD_LINES : EXIT_GOOD;
}

/* ---- command line ------------------------------------------------------------------------------------ */

static bool parse_id(const char *s, uint32_t *idp)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(s, &end, 10);
	if (*s < '0' || *s > '9' || *end || errno || value > UINT32_MAX)
		return false;
	*idp = (uint32_t)value;
	return true;
}

static bool parse_user(struct xmaudit_filter *f, const char *s)
{
	const struct passwd *pw = getpwnam(s);

	f->has_user = true;
	if (pw)
		f->user = pw->pw_uid;
	return pw || parse_id(s, &f->user);
}

static bool parse_group(struct xmaudit_filter *f, const char *s)
{
	const struct group *gr = getgrnam(s);

	f->has_group = f->decisions_only = true;
	if (gr)
		f->group = gr->gr_gid;
	return gr || parse_id(s, &f->group);
}

static bool parse_op(struct xmaudit_filter *f, const char *s)
{
	int op = xm_op_by_name(s);

	f->decisions_only = true;
	if (op >= 0)
		f->op = xm_ops[op].name;
	return op >= 0;
}

static bool parse_decision(struct xmaudit_filter *f, const char *s)
{
	f->decisions_only = true;
	f->decision = s;
	return !strcmp(s, "allow") || !strcmp(s, "deny");
}

static bool is_argument(const char *name)
{
	for (unsigned int op = 0; op < XM_N_OPS; op++)
		for (unsigned int i = 0; i < xm_ops[op].n_args; i++)
			if (!strcmp(xm_ops[op].args[i].name, name))
				return true;
	return false;
}

static bool parse_arg(struct xmaudit_filter *f, char *s)
{
	char *equals = strchr(s, '=');

	if (!equals || f->n_args == XM_MAX_ARGS)
		return false;
	*equals = '\0';
	f->decisions_only = true;
	f->arg[f->n_args].name = s;
	f->arg[f->n_args++].value = equals + 1;
	return is_argument(s);
}

static bool parse_n(const char *s, unsigned long *np)
{
	uint32_t n;

	if (!parse_id(s, &n) || n < 1 || n > 1000000)
		return false;
	*np = n;
	return true;
}

static bool parse_tail_option(struct options *o, int id)
{
	switch (id) {
	case 'f':
		o->follow = true;
		return true;
	case 'n':
		return parse_n(optarg, &o->n);
	case 'j':
		o->json = true;
		return true;
	default:
		return false;
	}
}

static bool parse_search_option(struct options *o, int id)
{
	struct xmaudit_filter *f = &o->filter;
	time_t now = time(NULL);

	switch (id) {
	case 'u':
		return parse_user(f, optarg);
	case 'g':
		return parse_group(f, optarg);
	case 'o':
		return parse_op(f, optarg);
	case 'd':
		return parse_decision(f, optarg);
	case 'r':
		f->decisions_only = true;
		f->rule = optarg;
		return true;
	case 's':
		f->has_since = true;
		return xmaudit_time(optarg, now, &f->since);
	case 't':
		f->has_until = true;
		return xmaudit_time(optarg, now, &f->until);
	case 'a':
		return parse_arg(f, optarg);
	case 'j':
		o->json = true;
		return true;
	default:
		return false;
	}
}

static const struct option tail_options[] = {
	{ "follow", no_argument, NULL, 'f' },
	{ "lines", required_argument, NULL, 'n' },
	{ "json", no_argument, NULL, 'j' },
	{ NULL, 0, NULL, 0 },
};

static const struct option search_options[] = {
	{ "user", required_argument, NULL, 'u' },  { "group", required_argument, NULL, 'g' },
	{ "op", required_argument, NULL, 'o' },    { "decision", required_argument, NULL, 'd' },
	{ "rule", required_argument, NULL, 'r' },  { "since", required_argument, NULL, 's' },
	{ "until", required_argument, NULL, 't' }, { "arg", required_argument, NULL, 'a' },
	{ "json", no_argument, NULL, 'j' },        { NULL, 0, NULL, 0 },
};

static const struct command {
	const char *name;
	const char *letters;
	const struct option *options;
	bool (*parse)(struct options *o, int id);
	unsigned long n;
} commands[] = {
	{ "tail", "fn:", tail_options, parse_tail_option, 10 },
	{ "search", "", search_options, parse_search_option, 0 },
};

static int run(const struct command *command, int argc, char **argv)
{
	struct options o = { .file = DEFAULT_FILE, .n = command->n };
	static char name[] = "xmaudit";
	int id;

	argv[0] = name; /* for the messages of getopt */
	while ((id = getopt_long(argc, argv, command->letters, command->options, NULL)) >= 0) {
		if (command->parse(&o, id))
			continue;
		if (id != '?')
			fprintf(stderr, "xmaudit: bad value: %s\n", optarg ? optarg : "");
		fputs(usage_text, stderr);
		return EXIT_USAGE;
	}
	if (optind < argc)
		o.file = argv[optind++];
	if (optind < argc) {
		fputs(usage_text, stderr);
		return EXIT_USAGE;
	}
	return show(&o);
}

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(argv[1], commands[i].name))
			return run(&commands[i], argc - 1, argv + 1);
	if (argc == 2 && !strcmp(argv[1], "--help")) {
		fputs(usage_text, stdout);
		return EXIT_GOOD;
	}
	if (argc == 2 && !strcmp(argv[1], "--version")) {
		puts("xmaudit " XM_VERSION);
		return EXIT_GOOD;
	}
	fputs(usage_text, stderr);
	return EXIT_USAGE;
}
