// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The supervisor's box, and the proof that its own and its children's are in force.  Owns the places
 * that settings lead to, and the rows of the self-test while it runs.  Must never let anything be
 * served when a row says that something is missing.
 */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "xmbroker/box_paths.h"
#include "xmbroker/log.h"
#include "xmbroker/selftest.h"
#include "xmbroker/spawn.h"
#include "xmbroker/supervisor.h"
#include "xmbroker/supervisor_box.h"
#include "xmbroker/supervisor_internal.h"

/* ---- places ------------------------------------------------------------------------------------------ */

/* xmsim appends to it; what is there and no file is written to only itself. */
static void add_console(struct box_paths *paths, const char *path)
{
	struct stat st;

	if (!path || !strcmp(path, "-"))
		return;
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		box_paths_add(paths, path, BOX_DEVICE);
	else
		box_paths_add_folder_of(paths, path, BOX_APPEND);
}

/* The server's and xmsim's places are inherited from here, until they have none. */
static void find_places(const struct launch *launch, struct box_paths *paths)
{
	const struct options *opts = launch->opts;

	box_paths_init(paths);
	box_paths_add_loader(paths);
	box_paths_add_folder_of(paths, launch->compiler, BOX_EXECUTE);
	box_paths_add_folder_of(paths, launch->server, BOX_EXECUTE);
	for (size_t i = 0; opts->policy[i]; i++)
		box_paths_add_policy(paths, opts->policy[i]);
	if (opts->backend == OPTIONS_SIM && opts->backend_path) {
		box_paths_add_folder_of(paths, launch->sim, BOX_EXECUTE);
		box_paths_add_folder_of(paths, opts->backend_path, BOX_READ);
		add_console(paths, opts->console);
	}
	if (opts->audit) {
		box_paths_add_folder_of(paths, opts->audit, BOX_STORE);
		box_paths_add_parent_of(paths, opts->audit, BOX_RENEW);
	}
	if (opts->audit && opts->audit_key)
		box_paths_add_folder_of(paths, opts->audit_key, BOX_STORE);
	box_paths_add_folder_of(paths, opts->socket, BOX_REMOVE);
#ifdef XM_COVERAGE_BUILD
	if (getenv("XM_COVERAGE")) /* tests/coverage/keep.c counts there, in what is started too */
		box_paths_add(paths, getenv("XM_COVERAGE"), BOX_STORE);
#endif
}

/* ---- self-test --------------------------------------------------------------------------------------- */

struct proof {
	void (*take)(void *context, const struct selftest_row *row);
	void *context;
	unsigned int rows, missing;
};

static void count(struct proof *proof, const struct selftest_row *row)
{
	proof->rows++;
	proof->missing += row->verdict == SELFTEST_MISSING;
	proof->take(proof->context, row);
}

/* A process that writes rows. */
struct tester {
	const char *name;
	pid_t pid;
	int fd;
};

static int start_helper(const struct launch *launch, const char *path, enum box_role role,
			struct tester *tester)
{
	char uid[16], gid[16], root[16];
	const char *argv[9] = { tester->name, "--self-test" };
	struct spawn spawn = { .path = path, .argv = argv, .err = -1, .role = role };
	int out[2], r, n = 2;

	if (launch->user.uid != BOX_STAY && role != BOX_COMPILER) {
		snprintf(uid, sizeof(uid), "%u", launch->user.uid);
		snprintf(gid, sizeof(gid), "%u", launch->user.gid);
		argv[n++] = "--uid";
		argv[n++] = uid;
		argv[n++] = "--gid";
		argv[n++] = gid;
	}
	if (launch->root >= 0 && role != BOX_COMPILER) {
		snprintf(root, sizeof(root), "%d", SPAWN_FIRST_FD);
		argv[n++] = "--root-fd";
		argv[n++] = root;
		spawn.fds[spawn.n_fds++] = launch->root;
	}
	if (pipe2(out, O_CLOEXEC) < 0)
		return -errno;
	spawn.out = out[1];
	r = spawn_run(&spawn, &tester->pid);
	close(out[1]);
	if (r < 0)
		close(out[0]);
	else
		tester->fd = out[0];
	return r;
}

/* The supervisor's own, in a child that has nothing of ours open. */
static _Noreturn void test_supervisor(const struct launch *launch, int out)
{
	struct selftest_box box = {
		.role = BOX_SUPERVISOR, .uid = BOX_STAY, .gid = BOX_STAY, .root = -1
	};
	static struct box_paths paths;
	int moved = fcntl(out, F_DUPFD_CLOEXEC, BOX_LISTENER + 10), fds[] = { moved };
	FILE *file = moved < 0 ? NULL : fdopen(moved, "w");
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (!file || box_keep_only(fds, 1) < 0)
		_exit(1);
	setvbuf(file, NULL, _IOLBF, BUFSIZ);
	find_places(launch, &paths);
	box.places = paths.place;
	box.n_places = paths.n;
	_exit(selftest_run(&box, selftest_write, file) < 0 || fflush(file));
}

static int start_own(const struct launch *launch, struct tester *tester)
{
	int out[2];

	if (pipe2(out, O_CLOEXEC) < 0)
		return -errno;
	tester->pid = fork();
	if (tester->pid == 0)
		test_supervisor(launch, out[1]);
	close(out[1]);
	if (tester->pid > 0)
		tester->fd = out[0];
	else
		close(out[0]);
	return tester->pid < 0 ? -ECHILD : 0;
}

/* All rows of one, and whether it got to its end. */
static int take_rows(struct tester *tester, struct proof *proof)
{
	unsigned int before = proof->rows;
	FILE *file = fdopen(tester->fd, "r");
	struct selftest_row row;
	int status = -1, r = 0;
	char line[512];

	if (!file)
		close(tester->fd);
	while (file && r == 0 && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		r = selftest_read(line, &row);
		if (r == 0)
			count(proof, &row);
	}
	if (file)
		fclose(file);
	if (r < 0 || !file)
		kill(tester->pid, SIGKILL);
	while (waitpid(tester->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (r == 0 && file && status == 0 && proof->rows > before)
		return 0;
	log_error("self-test: %s did not get to its end", tester->name);
	return -EPROTO;
}

static int run_testers(const struct launch *launch, struct proof *proof)
{
	struct tester testers[] = {
		{ "xmbroker", -1, -1 },
		{ "xmbroker-server", -1, -1 },
		{ "xmbroker-compiler", -1, -1 },
		{ "xmsim", -1, -1 },
	};
	int started[] = {
		start_own(launch, &testers[0]),
		start_helper(launch, launch->server, BOX_SERVER, &testers[1]),
		start_helper(launch, launch->compiler, BOX_COMPILER, &testers[2]),
		*launch->sim ? start_helper(launch, launch->sim, BOX_SIM, &testers[3]) : 1,
	};
	int r = 0;

	for (size_t i = 0; i < sizeof(testers) / sizeof(testers[0]); i++) {
		if (started[i] < 0)
			log_error("self-test: cannot run %s: %s", testers[i].name,
				  strerror(-started[i]));
		if (started[i] < 0 || (started[i] == 0 && take_rows(&testers[i], proof) < 0))
			r = -EPROTO;
	}
	return r;
}

static void log_missing(void *context, const struct selftest_row *row)
{
	(void)context;
	if (row->verdict == SELFTEST_MISSING)
		log_error("self-test: %s: %s: %s: must be %s, but: %s", row->role, row->layer,
			  row->attempt, row->wanted, row->got);
}

static void log_machine(void *context, const struct selftest_row *row)
{
	(void)context;
	if (row->verdict == SELFTEST_MISSING)
		log_error("%s: %s: no policy can hold them up", row->attempt, row->got);
}

static void make_root(struct launch *launch)
{
	int r;

	if (launch->user.uid == BOX_STAY || launch->root >= 0)
		return;
	r = box_root_make(&launch->root);
	if (r < 0)
		log_warning("the server keeps the root of the file system (%s)%s", strerror(-r),
			    box_landlock_version() > 0 ? ", of which Landlock leaves it nothing"
						       : "");
}

int supervisor_self_test(struct launch *launch)
{
	struct proof proof = { .take = log_missing };
	int r;

	make_root(launch);
	r = run_testers(launch, &proof);
	if (proof.missing) {
		log_error("self-test: %u of %u are not in force: nothing is started", proof.missing,
			  proof.rows);
		r = -EPERM;
	}
	if (launch->opts->backend == OPTIONS_DEVICE)
		selftest_machine(launch->overflow_uid, log_machine, NULL);
	return r;
}

/* ---- `xmbroker --self-test` -------------------------------------------------------------------------- */

struct table {
	bool json, begun;
};

static void print_row(void *context, const struct selftest_row *row)
{
	static const char *const words[] = { "in force", "absent", "MISSING" };
	struct table *table = context;

	if (table->json)
		printf("%s\n  {\"role\": \"%s\", \"layer\": \"%s\", \"attempt\": \"%s\", \"must\": "
		       "\"%s\", \"got\": \"%s\", \"verdict\": \"%s\"}",
		       table->begun ? "," : "[", row->role, row->layer, row->attempt, row->wanted,
		       row->got, words[row->verdict]);
	else
		printf("%-10s  %-10s  %-38s  %-9s %s\n", row->role, row->layer, row->attempt,
		       words[row->verdict], row->got);
	table->begun = true;
}

int supervisor_print_self_test(struct launch *launch, bool json)
{
	struct table table = { .json = json };
	struct proof proof = { .take = print_row, .context = &table };
	int r;

	make_root(launch);
	if (!json)
		printf("%-10s  %-10s  %-38s  %-9s %s\n", "PROCESS", "LAYER", "ATTEMPT", "BOX",
		       "WHAT HAPPENED");
	fflush(stdout); /* before children have a copy of it */
	r = run_testers(launch, &proof);
	if (proof.missing)
		r = -EPERM;
	selftest_machine(launch->overflow_uid, print_row, &table);
	if (json)
		puts("\n]");
	else
		printf("\n%u attempts, %u of them not stopped; Landlock version %d\n", proof.rows,
		       proof.missing, box_landlock_version());
	return r < 0 ? SUPERVISOR_FAILED : SUPERVISOR_STOPPED;
}

/* ---- for good ---------------------------------------------------------------------------------------- */

int supervisor_confine(const struct supervisor *s)
{
	static struct box_paths paths;
	int r = box_become(BOX_SUPERVISOR, BOX_STAY, BOX_STAY);

	if (r < 0) {
		log_error("cannot give up privileges: %s", strerror(-r));
		return r;
	}
	find_places(s->launch, &paths);
	if (paths.full)
		log_warning(
			"too many policy files and links: some may be out of reach at a reload");
	r = box_confine_to(BOX_SUPERVISOR, paths.place, paths.n);
	box_paths_deinit(&paths);
	if (r < 0)
		log_error("cannot close the supervisor's box: %s", strerror(-r));
	return r;
}

int supervisor_check_child(const struct supervisor *s, enum box_role role, pid_t pid)
{
	const struct options_user *user = &s->launch->user;
	char text[256];
	int r = box_check_process(role, pid, user->uid, user->gid, text, sizeof(text));

	if (r == -EPERM) {
		log_error("the box is not in force: %s", text);
		return r;
	}
	if (r < 0)
		log_warning("cannot look at the box of the %s in /proc: %s", box_role_name(role),
			    strerror(-r));
	return 0;
}
