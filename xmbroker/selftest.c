// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Running probes: a child each, which enters the box and tries.  Owns the descriptors that the probes
 * use, and the lines.  Must never take anything but the expected outcome for good, and never leave a
 * child behind.
 */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "xmbroker/box_tables.h"
#include "xmbroker/selftest.h"

#define CANNOT_ENTER 250 /* exit status: the box itself could not be entered */
#define AT_ONCE 4        /* children at a time */

static const char *const layer_names[SELFTEST_N_LAYERS] = {
	[SELFTEST_IDENTITY] = "identity", [SELFTEST_ROOT] = "root",
	[SELFTEST_LIMITS] = "limits",     [SELFTEST_FILES] = "files",
	[SELFTEST_NETWORK] = "network",   [SELFTEST_SCOPE] = "scope",
	[SELFTEST_CALLS] = "calls",       [SELFTEST_KILL] = "kill",
};

static const char *const verdicts[] = {
	[SELFTEST_IN_FORCE] = "in force",
	[SELFTEST_ABSENT] = "absent",
	[SELFTEST_MISSING] = "MISSING",
};

/* ---- one probe --------------------------------------------------------------------------------------- */

/* Only what the layer needs: see enum selftest_layer. */
static int enter(const struct selftest_box *box, enum selftest_layer layer)
{
	static struct box_program program;
	bool whole = layer == SELFTEST_CALLS || layer == SELFTEST_KILL;
	int r = 0;

	if (whole)
		r = box_program_make(box->role, -1, layer == SELFTEST_CALLS, &program);
	if (r == 0 && (whole || layer == SELFTEST_ROOT))
		r = box_root_enter(box->root);
	if (r == 0)
		r = box_become(box->role, box->uid, box->gid);
	if (r == 0 && (whole || layer == SELFTEST_LIMITS))
		r = box_limit(box->role, &(struct box_room){ 0, 0 });
	if (r == 0 && (whole || layer == SELFTEST_FILES || layer == SELFTEST_NETWORK ||
		       layer == SELFTEST_SCOPE))
		r = box_landlock(box->role, box->places, box->n_places);
	if (r == 0 && whole)
		r = box_program_load(box->role, &program);
	return r;
}

static void ignore_violation(int sig)
{
	(void)sig;
}

static _Noreturn void try(const struct selftest_box *box, const struct selftest_probe *probe)
{
	long result;

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	/* What the kernel logs of it should not be taken for an attack. */
	prctl(PR_SET_NAME, "xmbroker-probe", 0, 0, 0);
	if (probe->layer == SELFTEST_KILL)
		signal(SIGSYS, ignore_violation);
	if (enter(box, probe->layer) < 0)
		_exit(CANNOT_ENTER);
	errno = 0;
	result = probe->try(box);
	_exit(result >= 0 ? 0 : errno > 0 && errno < CANNOT_ENTER ? errno : CANNOT_ENTER - 1);
}

static const char *errno_name(int error, char text[SELFTEST_TEXT])
{
	const char *name = strerrorname_np(error);

	snprintf(text, SELFTEST_TEXT, "%s", name ? name : "an error");
	return text;
}

static void describe(const struct selftest_probe *probe, int status, struct selftest_row *row)
{
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	bool good;

	if (WIFSIGNALED(status))
		snprintf(row->got, sizeof(row->got), "killed by SIG%s",
			 sigabbrev_np(WTERMSIG(status)) ? sigabbrev_np(WTERMSIG(status)) : "?");
	else if (code == 0)
		snprintf(row->got, sizeof(row->got), "it is possible");
	else if (code == SELFTEST_ROOT_MAY)
		snprintf(row->got, sizeof(row->got), "not tried: it is root that stays");
	else if (code == CANNOT_ENTER)
		snprintf(row->got, sizeof(row->got), "the box cannot be entered");
	else
		errno_name(code, row->got);
	good = probe->wanted == SELFTEST_DIES
		       ? WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS
		       : code > 0 && (code == probe->wanted || code == probe->or_wanted);
	if (BOX_INSTRUMENTED && probe->wanted == SELFTEST_DIES && code == EACCES)
		good = true; /* see box_tables.c */
	row->verdict = code == SELFTEST_ROOT_MAY ? SELFTEST_ABSENT
		       : good                    ? SELFTEST_IN_FORCE
						 : SELFTEST_MISSING;
}

static bool is_there(const struct selftest_box *box, enum selftest_layer layer)
{
	switch (layer) {
	case SELFTEST_ROOT:
		return box->root >= 0;
	case SELFTEST_FILES:
		return box_landlock_version() >= 1;
	case SELFTEST_NETWORK:
		return box_landlock_version() >= 4;
	case SELFTEST_SCOPE:
		return box_landlock_version() >= 6;
	default:
		return true;
	}
}

static void begin_row(const struct selftest_box *box, const struct selftest_probe *probe,
		      struct selftest_row *row)
{
	memset(row, 0, sizeof(*row));
	snprintf(row->role, sizeof(row->role), "%s", box_role_name(box->role));
	snprintf(row->layer, sizeof(row->layer), "%s", layer_names[probe->layer]);
	snprintf(row->attempt, sizeof(row->attempt), "%s", probe->attempt);
	if (probe->wanted == SELFTEST_DIES)
		snprintf(row->wanted, sizeof(row->wanted), "killed by SIGSYS");
	else
		errno_name(probe->wanted, row->wanted);
}

/* ---- all of a role ----------------------------------------------------------------------------------- */

/* As the supervisor opens it: for appending only. */
static int open_log(void)
{
	char path[32];
	int memory = memfd_create("xmbroker-probe", MFD_CLOEXEC), fd;

	if (memory < 0 || write(memory, "{}\n", 3) != 3)
		return -errno;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", memory);
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0)
		return memory;
	close(memory);
	return fd;
}

static int open_listener(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, &(struct sockaddr){ AF_UNIX, "" }, sizeof(sa_family_t)) < 0 ||
	    listen(fd, 1) < 0)
		return -errno;
	if (fd == BOX_LISTENER)
		return 0;
	if (dup3(fd, BOX_LISTENER, O_CLOEXEC) < 0)
		return -errno;
	close(fd);
	return 0;
}

struct running {
	pid_t pid;
	struct selftest_row row;
	const struct selftest_probe *probe;
};

static int finish(struct running *running,
		  void (*take)(void *context, const struct selftest_row *row), void *context)
{
	int status;

	if (running->pid > 0) {
		while (waitpid(running->pid, &status, 0) < 0)
			if (errno != EINTR)
				return -errno;
		describe(running->probe, status, &running->row);
	}
	take(context, &running->row);
	return 0;
}

static int start(const struct selftest_box *box, const struct selftest_probe *probe,
		 struct running *running)
{
	*running = (struct running){ .pid = -1, .probe = probe };
	begin_row(box, probe, &running->row);
	if (!is_there(box, probe->layer)) {
		running->row.verdict = SELFTEST_ABSENT;
		snprintf(running->row.got, sizeof(running->row.got), "%s",
			 probe->layer == SELFTEST_ROOT ? "not started by root"
						       : "this kernel does not have it");
		return 0;
	}
	running->pid = fork();
	if (running->pid == 0)
		try(box, probe);
	return running->pid < 0 ? -errno : 0;
}

static int run_probes(const struct selftest_box *box,
		      void (*take)(void *context, const struct selftest_row *row), void *context)
{
	struct running running[AT_ONCE];
	size_t first = 0, n = 0;
	int r = 0, done;

	for (size_t i = 0; r == 0 && i < selftest_n_probes; i++) {
		if (!(selftest_probes[i].roles & BOX_BIT(box->role)))
			continue;
		if (n - first == AT_ONCE)
			r = finish(&running[first++ % AT_ONCE], take, context);
		if (r == 0)
			r = start(box, &selftest_probes[i], &running[n % AT_ONCE]);
		if (r == 0)
			n++;
	}
	while (first < n) {
		done = finish(&running[first++ % AT_ONCE], take, context);
		r = r < 0 ? r : done;
	}
	return r;
}

int selftest_run(const struct selftest_box *given,
		 void (*take)(void *context, const struct selftest_row *row), void *context)
{
	struct selftest_box box = *given;
	int r = open_listener();

	box.parent = getpid();
	if (r < 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, box.pair) < 0) {
		r = -errno;
		close(BOX_LISTENER);
		return r;
	}
	box.log = open_log();
	r = box.log < 0 ? box.log : run_probes(&box, take, context);
	if (box.log >= 0)
		close(box.log);
	close(box.pair[0]);
	close(box.pair[1]);
	close(BOX_LISTENER);
	return r;
}

/* ---- lines ------------------------------------------------------------------------------------------- */

void selftest_write(void *file, const struct selftest_row *row)
{
	fprintf(file, "%s\t%s\t%s\t%s\t%s\t%s\n", row->role, row->layer, row->attempt, row->wanted,
		row->got, verdicts[row->verdict]);
}

static int take_word(char **linep, char *word, size_t cap)
{
	char *next = strsep(linep, "\t");

	if (!next || strlen(next) >= cap)
		return -EPROTO;
	strcpy(word, next);
	return 0;
}

int selftest_read(char *line, struct selftest_row *rowp)
{
	struct selftest_row row = { 0 };
	char verdict[16];

	if (take_word(&line, row.role, sizeof(row.role)) < 0 ||
	    take_word(&line, row.layer, sizeof(row.layer)) < 0 ||
	    take_word(&line, row.attempt, sizeof(row.attempt)) < 0 ||
	    take_word(&line, row.wanted, sizeof(row.wanted)) < 0 ||
	    take_word(&line, row.got, sizeof(row.got)) < 0 ||
	    take_word(&line, verdict, sizeof(verdict)) < 0 || line)
		return -EPROTO;
	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
		if (strcmp(verdict, verdicts[i]) != 0)
			continue;
		row.verdict = (enum selftest_verdict)i;
		*rowp = row;
		return 0;
	}
	return -EPROTO;
}

/* ---- `PROGRAM --self-test` --------------------------------------------------------------------------- */

static int parse(int argc, char **argv, struct selftest_box *box)
{
	static const struct option options[] = {
		{ "self-test", no_argument, NULL, 's' },
		{ "uid", required_argument, NULL, 'u' },
		{ "gid", required_argument, NULL, 'g' },
		{ "root-fd", required_argument, NULL, 'r' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		unsigned long value = optarg ? strtoul(optarg, NULL, 10) : 0;

		if (option == 'u')
			box->uid = (uid_t)value;
		else if (option == 'g')
			box->gid = (gid_t)value;
		else if (option == 'r')
			box->root = (int)value;
		else if (option != 's')
			return -EINVAL;
	}
	return optind == argc ? 0 : -EINVAL;
}

static int prepare(struct selftest_box *box)
{
	int fds[] = { box->root }, moved, r = box_keep_only(fds, 1);

	if (r < 0 || box->root < 0)
		return r;
	/* The listener's number is to be that of the listener. */
	moved = fcntl(box->root, F_DUPFD_CLOEXEC, BOX_LISTENER + 10);
	if (moved < 0)
		return -errno;
	close(box->root);
	box->root = moved;
	return 0;
}

int selftest_main(int argc, char **argv, const enum box_role *roles, size_t n)
{
	struct selftest_box box = { .uid = BOX_STAY, .gid = BOX_STAY, .root = -1 };
	int r = parse(argc, argv, &box);

	if (r == 0)
		r = prepare(&box);
	setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
	for (size_t i = 0; r == 0 && i < n; i++) {
		box.role = roles[i];
		r = selftest_run(&box, selftest_write, stdout);
	}
	if (r < 0)
		fprintf(stderr, "%s: the self-test cannot be done: %s\n", argv[0], strerror(-r));
	return r < 0 || fflush(stdout) ? 1 : 0;
}
