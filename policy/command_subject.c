// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Who asks, as a person writes it: user:alice,group:ops.  Asks the user and group databases.
 */

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "policy/command.h"
#include "policy/model.h"

/* The user's groups as the databases have them; none for a number that they do not know. */
static bool groups_of(struct command_subject *s, const struct passwd *pw)
{
	int n = COMMAND_GROUPS;

	if (!pw)
		return true;
	if (getgrouplist(pw->pw_name, pw->pw_gid, s->gids, &n) < 0)
		return command_error("too many groups", pw->pw_name);
	s->n_gids = (uint32_t)n;
	return true;
}

static bool add_group(struct command_subject *s, const char *name)
{
	const struct group *group;
	uint32_t id;

	if (s->n_gids == COMMAND_GROUPS)
		return command_error("too many groups", name);
	if (!command_number(name, &id)) {
		group = getgrnam(name);
		if (!group)
			return command_error("no such group", name);
		id = group->gr_gid;
	}
	s->gids[s->n_gids++] = id;
	return true;
}

static bool set_user(struct command_subject *s, bool groups_given)
{
	const char *name = s->user + (strncmp(s->user, "user:", 5) ? 0 : 5);
	const struct passwd *pw;

	if (command_number(name, &s->policy.uid)) {
		pw = getpwuid(s->policy.uid);
	} else {
		pw = getpwnam(name);
		if (!pw)
			return command_error("no such user", name);
		s->policy.uid = pw->pw_uid;
	}
	return groups_given || groups_of(s, pw);
}

static bool parse_subject(const char *as, struct command_subject *s)
{
	char *rest, *word;

	s->user = strdup(as);
	if (!s->user)
		exit(EXIT_USAGE);
	rest = strchr(s->user, ',');
	if (rest)
		*rest++ = '\0';
	if (!set_user(s, rest != NULL))
		return false;
	while ((word = strsep(&rest, ",")))
		if (strncmp(word, "group:", 6))
			return command_error("write group:NAME after the user", word);
		else if (!add_group(s, word + 6))
			return false;
	return true;
}

struct command_subject *command_subject_new(const char *as)
{
	struct command_subject *s = calloc(1, sizeof(*s));

	if (!s)
		exit(EXIT_USAGE);
	if (parse_subject(as, s))
		return s;
	command_subject_free(s);
	return NULL;
}

void command_subject_settle(struct command_subject *s, const struct policy_image *image)
{
	uint32_t overflow = policy_overflow_id(true);

	_Static_assert(sizeof(gid_t) == sizeof(uint32_t), "group ids are passed as they are");
	s->policy.overflow = s->policy.uid == policy_overflow_id(false);
	/* Of the groups it is the primary one that tells whether the kernel could name the gid. */
	if (s->n_gids && s->gids[0] == overflow)
		s->policy.overflow = true;
	s->policy.n_gids = (uint32_t)policy_image_filter_groups(image, s->gids, s->n_gids);
	s->policy.gids = s->gids;
}

void command_subject_free(struct command_subject *s)
{
	if (s)
		free(s->user);
	free(s);
}
