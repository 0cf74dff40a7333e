// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Identity and capabilities.  Owns the way from what a process was started with to what its role
 * keeps.  Must never give anything back, and must never report success when something is left that
 * the tables do not name.
 */

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "xmbroker/box_tables.h"

const char *box_role_name(enum box_role role)
{
	static const char *const names[BOX_N_ROLES] = {
		[BOX_SUPERVISOR] = "supervisor", [BOX_COMPILER] = "compiler",
		[BOX_SERVER] = "server",         [BOX_SIM] = "xmsim",
		[BOX_UNDERTAKER] = "undertaker",
	};

	return names[role];
}

static bool may_keep(enum box_role role, unsigned int cap)
{
	for (size_t i = 0; i < box_n_capabilities; i++)
		if (box_capabilities[i].cap == cap)
			return box_capabilities[i].roles & BOX_BIT(role);
	return false;
}

/* The bounding set can only be reduced by who holds CAP_SETPCAP; without it there is nothing to gain
 * from it either, because no_new_privs follows. */
static int drop_bounding(enum box_role role)
{
	if (!capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP))
		return 0;
	for (unsigned int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (!may_keep(role, cap) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return -errno;
	return 0;
}

static int lock_securebits(enum box_role role)
{
	if (role == BOX_SUPERVISOR || !capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP))
		return 0;
	return prctl(PR_SET_SECUREBITS, box_securebits, 0, 0, 0) < 0 ? -errno : 0;
}

static int change_id(uid_t uid, gid_t gid)
{
	if (uid == BOX_STAY)
		return 0;
	if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		return -errno;
	return 0;
}

static int drop_capabilities(enum box_role role)
{
	bool keep[CAP_LAST_CAP + 1];

	if (capng_get_caps_process() < 0)
		return -EPERM;
	for (unsigned int cap = 0; cap <= CAP_LAST_CAP; cap++)
		keep[cap] = may_keep(role, cap) && capng_have_capability(CAPNG_PERMITTED, cap);
	capng_clear(CAPNG_SELECT_CAPS);
	for (unsigned int cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (keep[cap] &&
		    capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, cap) < 0)
			return -EPERM;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return -errno;
	return capng_apply(CAPNG_SELECT_CAPS) < 0 ? -EPERM : 0;
}

/* Asks the kernel again, rather than trust that what was asked for happened. */
static int verify(enum box_role role, uid_t uid)
{
	if (capng_get_caps_process() < 0)
		return -EPERM;
	for (unsigned int cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (!may_keep(role, cap) && capng_have_capability(CAPNG_PERMITTED, cap))
			return -EPERM;
	if (uid != BOX_STAY && uid != 0 && (setresuid(0, 0, 0) == 0 || getuid() != uid))
		return -EPERM;
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : -EPERM;
}

/* The kernel forgets the parent-death signal when the identity changes. */
static int rearm_parent_death(int sig, pid_t parent)
{
	if (sig == 0)
		return 0;
	if (prctl(PR_SET_PDEATHSIG, sig, 0, 0, 0) < 0)
		return -errno;
	return getppid() == parent ? 0 : -ESRCH; /* it died in between */
}

int box_become(enum box_role role, uid_t uid, gid_t gid)
{
	pid_t parent = getppid();
	int sig = 0, r;

	if (capng_get_caps_process() < 0)
		return -EPERM;
	if (prctl(PR_GET_PDEATHSIG, &sig, 0, 0, 0) < 0)
		return -errno;
	r = drop_bounding(role);
	if (r == 0)
		r = lock_securebits(role);
	if (r == 0)
		r = change_id(uid, gid);
	if (r == 0)
		r = drop_capabilities(role);
	if (r < 0)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	r = rearm_parent_death(sig, parent);
	return r < 0 ? r : verify(role, uid);
}
