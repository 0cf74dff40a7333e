// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Whom the server and xmsim run as.  Owns nothing.  Must never let them be root.
 */

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "xmbroker/log.h"
#include "xmbroker/options.h"

#define DEFAULT_USER "xmbroker"

static int parse_id(const char *text, const char **endp, uint32_t *idp)
{
	unsigned long long id;
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	id = strtoull(text, &end, 10);
	if (errno || id >= UINT32_MAX)
		return -EINVAL;
	*endp = end;
	*idp = (uint32_t)id;
	return 0;
}

static int resolve(const char *user, struct options_user *userp)
{
	struct passwd *pw;
	const char *end;

	if (parse_id(user, &end, &userp->uid) == 0) {
		pw = getpwuid(userp->uid);
		userp->gid = pw ? pw->pw_gid : userp->uid;
		if (*end == ':' && parse_id(end + 1, &end, &userp->gid) < 0)
			return -EINVAL;
		return *end ? -EINVAL : 0;
	}
	pw = getpwnam(user);
	if (!pw)
		return -ENOENT;
	userp->uid = pw->pw_uid;
	userp->gid = pw->pw_gid;
	return 0;
}

int options_resolve_user(const struct options *opts, struct options_user *userp)
{
	const char *name = opts->user ? opts->user : DEFAULT_USER;
	int r;

	*userp = (struct options_user){ (uid_t)-1, (gid_t)-1 };
	if (geteuid() != 0 && !opts->user)
		return 0;
	r = resolve(name, userp);
	if (r == -ENOENT) {
		log_error("there is no user \"%s\" to run the server as; create it with "
			  "`systemd-sysusers` "
			  "or `useradd --system --user-group --no-create-home --shell "
			  "/usr/sbin/nologin %s`"
			  ", or give --user NAME|UID[:GID]",
			  name, name);
		return -EINVAL;
	}
	if (r < 0) {
		log_error("--user: \"%s\" is neither a user nor UID[:GID]", name);
		return -EINVAL;
	}
	if (geteuid() != 0) {
		if (userp->uid != geteuid()) {
			log_error("--user: only root can run the server as another user");
			return -EINVAL;
		}
		*userp = (struct options_user){ (uid_t)-1, (gid_t)-1 };
		return 0;
	}
	if (userp->uid == 0 || userp->gid == 0) {
		log_error("--user: the server must not run as root");
		return -EINVAL;
	}
	return 0;
}
