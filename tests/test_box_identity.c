// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Identity, capabilities, the empty root, limits and descriptors: each case in a child.
 */

#include <cap-ng.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/box_rig.h"

/* ---- identity and capabilities ------------------------------------------------------------------- */

static bool is_gone(int r)
{
	return r < 0 && errno == EPERM;
}

static int act_become_other(void)
{
	uid_t ids[3];

	if (setgroups(2, (gid_t[]){ 7, 8 }) < 0 || box_become(BOX_SERVER, OTHER_UID, OTHER_GID) < 0)
		return 1;
	getresuid(&ids[0], &ids[1], &ids[2]);
	if (ids[0] != OTHER_UID || ids[1] != OTHER_UID || ids[2] != OTHER_UID)
		return 2;
	getresgid(&ids[0], &ids[1], &ids[2]);
	if (ids[0] != OTHER_GID || ids[1] != OTHER_GID || ids[2] != OTHER_GID)
		return 3;
	if (getgroups(0, NULL) != 0)
		return 4;
	if (!is_gone(setuid(0)) || !is_gone(setgid(0)) || !is_gone(setgroups(0, NULL)))
		return 5;
	return 0;
}

Test(box_identity, becomes_another_for_good)
{
	ROOT_ONLY();
	cr_expect_eq(in_child(act_become_other), 0);
}

static int act_capabilities(void)
{
	if (box_become(BOX_SERVER, OTHER_UID, OTHER_GID) < 0 || capng_get_caps_process() < 0)
		return 1;
	if (capng_have_capabilities(CAPNG_SELECT_CAPS) != CAPNG_NONE)
		return 2;
	if (capng_have_permitted_capabilities() != CAPNG_NONE)
		return 3;
	for (unsigned int cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
			return 4;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
		return 5;
	return (prctl(PR_GET_SECUREBITS, 0, 0, 0, 0) & (int)SECBIT_NOROOT) ? 0 : 6;
}

Test(box_identity, server_has_no_capability)
{
	ROOT_ONLY();
	cr_expect_eq(in_child(act_capabilities), 0);
}

static int act_supervisor(void)
{
	static const unsigned int kept[] = { CAP_SETUID, CAP_SETGID, CAP_SETPCAP, CAP_KILL,
					     CAP_SYS_CHROOT };

	if (box_become(BOX_SUPERVISOR, BOX_STAY, BOX_STAY) < 0 || capng_get_caps_process() < 0)
		return 1;
	for (unsigned int cap = 0; cap <= CAP_LAST_CAP; cap++) {
		bool keep = false;

		for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
			keep |= kept[i] == cap;
		if (!keep && (capng_have_capability(CAPNG_PERMITTED, cap) ||
			      capng_have_capability(CAPNG_EFFECTIVE, cap) ||
			      prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1))
			return 2;
		if (keep && !capng_have_capability(CAPNG_EFFECTIVE, cap))
			return 3;
	}
	/* And it can still make a server of another user. */
	return act_become_other() == 0 ? 0 : 4;
}

Test(box_identity, supervisor_keeps_five_capabilities)
{
	ROOT_ONLY();
	cr_expect_eq(in_child(act_supervisor), 0);
}

static int act_compiler(void)
{
	if (box_become(BOX_COMPILER, BOX_STAY, BOX_STAY) < 0 || capng_get_caps_process() < 0)
		return 1;
	if (capng_have_capabilities(CAPNG_SELECT_CAPS) != CAPNG_NONE || getuid() != 0)
		return 2;
	return is_gone(setgroups(0, NULL)) ? 0 : 3;
}

Test(box_identity, root_without_capabilities)
{
	ROOT_ONLY();
	cr_expect_eq(in_child(act_compiler), 0);
}

static int act_ordinary_user(void)
{
	if (geteuid() == 0 && setresuid(OTHER_UID, OTHER_UID, OTHER_UID) < 0)
		return 1;
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* changing the identity has cleared it */
	if (box_become(BOX_SERVER, BOX_STAY, BOX_STAY) < 0)
		return 2;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
		return 3;
	return 0;
}

Test(box_identity, ordinary_user_gives_up_what_there_is)
{
	cr_expect_eq(in_child(act_ordinary_user), 0);
}

static int act_ordinary_user_other(void)
{
	if (geteuid() == 0 && setresuid(OTHER_UID, OTHER_UID, OTHER_UID) < 0)
		return 1;
	return box_become(BOX_SERVER, OTHER_UID + 1, OTHER_GID) == -EPERM ? 0 : 2;
}

Test(box_identity, ordinary_user_cannot_become_another)
{
	cr_expect_eq(in_child(act_ordinary_user_other), 0);
}

static int act_parent_death(void)
{
	int sig = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (box_become(BOX_SERVER, OTHER_UID, OTHER_GID) < 0)
		return 1;
	prctl(PR_GET_PDEATHSIG, &sig, 0, 0, 0);
	return sig == SIGKILL ? 0 : 2;
}

Test(box_identity, parent_death_signal_survives)
{
	ROOT_ONLY();
	cr_expect_eq(in_child(act_parent_death), 0);
}

/* ---- the empty root -------------------------------------------------------------------------------- */

static int act_root(void)
{
	struct stat st;
	int root;

	if (box_root_make(&root) < 0 || fstat(root, &st) < 0 || st.st_nlink != 0)
		return 1;
	if (box_root_enter(root) < 0)
		return 2;
	if (access("/etc", F_OK) == 0 || access("../../../etc", F_OK) == 0)
		return 3;
	if (mkdir("/x", 0700) == 0 || errno != ENOENT)
		return 4;
	if (fcntl(root, F_GETFD) >= 0)
		return 5; /* a way back */
	return box_become(BOX_SERVER, OTHER_UID, OTHER_GID) < 0 || chroot(".") == 0 ? 6 : 0;
}

Test(box_identity, the_root_is_empty_and_stays_so)
{
	ROOT_ONLY();
	cr_expect_eq(in_child(act_root), 0);
}

static int act_root_with_names(void)
{
	int root = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);

	return box_root_enter(root) == -EINVAL ? 0 : 1;
}

Test(box_identity, a_folder_that_has_a_name_is_no_empty_root)
{
	cr_expect_eq(in_child(act_root_with_names), 0);
}

static int act_no_chroot(void)
{
	int root;

	if (geteuid() == 0 && setresuid(OTHER_UID, OTHER_UID, OTHER_UID) < 0)
		return 1;
	return box_root_make(&root) == -EPERM ? 0 : 2;
}

Test(box_identity, an_ordinary_user_gets_no_root_that_it_could_not_enter)
{
	cr_expect_eq(in_child(act_no_chroot), 0);
}

/* ---- limits ---------------------------------------------------------------------------------------- */

static int act_limits(void)
{
	const struct box_room room = { .memory = 16 << 20, .files = 100 };
	struct rlimit limit;

	if (box_become(BOX_SERVER, BOX_STAY, BOX_STAY) < 0 || box_limit(BOX_SERVER, &room) < 0)
		return 1;
	for (size_t i = 0; i < box_n_limits; i++) {
		const struct box_limit *l = &box_limits_table[i];
		uint64_t max = l->max + (l->room == BOX_ROOM_MEMORY  ? room.memory
					 : l->room == BOX_ROOM_FILES ? room.files
								     : 0);

		if (!(l->roles & BOX_BIT(BOX_SERVER)))
			continue;
		if (getrlimit(l->resource, &limit) < 0 || limit.rlim_max > max ||
		    limit.rlim_cur != limit.rlim_max)
			return 2 + (int)i;
	}
	return 0;
}

Test(box_identity, limits_are_hard_ones)
{
	cr_expect_eq(in_child(act_limits), 0);
}

static int act_never_raised(void)
{
	struct rlimit limit = { 30, 40 };

	if (setrlimit(RLIMIT_NOFILE, &limit) < 0 ||
	    box_limit(BOX_SERVER, &(struct box_room){ 0, 1000 }) < 0)
		return 1;
	return getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max == 30 ? 0 : 2;
}

Test(box_identity, no_limit_is_raised)
{
	cr_expect_eq(in_child(act_never_raised), 0);
}

static int act_no_processes(void)
{
	if (box_become(BOX_SERVER, OTHER_UID, OTHER_GID) < 0 || box_limit(BOX_SERVER, NULL) < 0)
		return 1;
	return fork() < 0 && errno == EAGAIN ? 0 : 2;
}

Test(box_identity, a_server_starts_no_process)
{
	ROOT_ONLY();
	cr_expect_eq(in_child(act_no_processes), 0);
}

/* ---- descriptors ----------------------------------------------------------------------------------- */

static int act_keep_only(void)
{
	int leaked[8], fds[3], kept = open("/dev/null", O_RDONLY);

	for (size_t i = 0; i < 8; i++)
		leaked[i] = dup3(kept, 100 + 17 * (int)i, 0);
	fds[0] = leaked[3];
	fds[1] = -1;
	fds[2] = kept;
	if (box_keep_only(fds, 3) < 0)
		return 1;
	for (int fd = 3; fd < 1000; fd++)
		if ((fcntl(fd, F_GETFD) >= 0) != (fd == kept || fd == leaked[3]))
			return 2;
	return fcntl(kept, F_GETFD) == FD_CLOEXEC && fcntl(leaked[3], F_GETFD) == FD_CLOEXEC ? 0
											     : 3;
}

Test(box_identity, only_named_descriptors_stay)
{
	cr_expect_eq(in_child(act_keep_only), 0);
}

static int act_wrong_names(void)
{
	int twice[] = { 3, 3 }, standard[] = { 2 }, closed[] = { 900 };

	dup2(0, 3);
	return box_keep_only(twice, 2) == -EINVAL && box_keep_only(standard, 1) == -EINVAL &&
			       box_keep_only(closed, 1) == -EBADF
		       ? 0
		       : 1;
}

Test(box_identity, a_descriptor_is_named_once_and_open)
{
	cr_expect_eq(in_child(act_wrong_names), 0);
}

/* ---- a running process ----------------------------------------------------------------------------- */

static int check_child(enum box_role role, bool confine, uid_t uid, char *text, size_t cap)
{
	int ready[2], status, r;
	char byte;
	pid_t pid;

	cr_assert_eq(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		close(ready[0]);
		r = box_become(role, uid, uid == BOX_STAY ? BOX_STAY : OTHER_GID);
		if (r == 0 && confine)
			r = box_confine(role);
		if (r < 0 || write(ready[1], "r", 1) != 1)
			_exit(1);
		for (;;)
			poll(NULL, 0, 1000);
	}
	close(ready[1]);
	cr_assert_eq(read(ready[0], &byte, 1), 1);
	r = box_check_process(role, pid, uid, OTHER_GID, text, cap);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	close(ready[0]);
	return r;
}

Test(box_identity, a_confined_process_is_told_from_outside)
{
	char text[256] = "";

	cr_expect_eq(check_child(BOX_SERVER, true, BOX_STAY, text, sizeof(text)), 0, "%s", text);
	cr_expect_eq(check_child(BOX_SERVER, false, BOX_STAY, text, sizeof(text)), -EPERM);
	/* Or, where the tests themselves are filtered, that it has no more than they have. */
	cr_expect(!strcmp(text, "server: Seccomp is \"0\"") ||
			  !strcmp(text, "server: it has no filter but ours"),
		  "%s", text);
}

Test(box_identity, and_whose_it_is)
{
	char text[256] = "";

	ROOT_ONLY();
	cr_expect_eq(check_child(BOX_SIM, true, OTHER_UID, text, sizeof(text)), 0, "%s", text);
	cr_expect_eq(box_check_process(BOX_SIM, getpid(), OTHER_UID, OTHER_GID, text, sizeof(text)),
		     -EPERM);
}

static int act_inherited(void)
{
	char text[256] = "";
	int status, r;
	pid_t pid;

	if (box_become(BOX_SUPERVISOR, BOX_STAY, BOX_STAY) < 0 || box_confine(BOX_SUPERVISOR) < 0)
		return 1;
	pid = fork();
	if (pid == 0)
		for (;;)
			poll(NULL, 0, 1000);
	r = box_check_process(BOX_SERVER, pid, BOX_STAY, BOX_STAY, text, sizeof(text));
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return r == -EPERM && strstr(text, "no filter but ours") ? 0 : 2;
}

Test(box_identity, a_filter_of_its_parent_is_not_its_own)
{
	char line[64];
	FILE *file = fopen("/proc/self/status", "re");
	bool known = false;

	while (file && fgets(line, sizeof(line), file))
		known |= !strncmp(line, "Seccomp_filters:", 16);
	if (file)
		fclose(file);
	if (!known)
		cr_skip_test("not run: needs Linux 5.9");
	cr_expect_eq(in_child(act_inherited), 0);
}
