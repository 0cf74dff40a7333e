// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * xmbrokerctl's commands that put a policy into force, and keep it there.  Owns their output.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xmbroker/xmbrokerctl.h"

static int parse_seconds(const char *s, uint64_t *secondsp)
{
	unsigned long long seconds;
	char *end;

	errno = 0;
	seconds = strtoull(s, &end, 10);
	if (*s < '0' || *s > '9' || *end || errno || seconds < 1 || seconds > 86400)
		return ctl_complain("--confirm wants seconds, 1 to 86400, not \"%s\"", s);
	*secondsp = seconds;
	return 0;
}

int ctl_reload(struct ctl *ctl, const char *arg)
{
	struct xm_request req = { .op = XM_OP_BROKER_RELOAD };
	bool kept;
	char *text;
	int r;

	(void)arg;
	if (ctl->confirm &&
	    parse_seconds(ctl->confirm, &req.arg[XM_A_BROKER_RELOAD_confirm].num) < 0)
		return EXIT_USAGE;
	req.arg[XM_A_BROKER_RELOAD_force].num = ctl->force;
	r = ctl_call(ctl, &req);
	if (r != 0)
		return ctl_exit_code(r);
	kept = ctl->reply.value != 0;
	text = ctl_text(ctl, XM_A_BROKER_RELOAD_text);
	if (ctl->json) {
		printf("{\"reloaded\":%s,\"text\":", kept ? "false" : "true");
		/* Line by line, since one string of ctl_print_json_string() is short. */
		putchar('[');
		for (char *line = strtok(text, "\n"), *first = line; line;
		     line = strtok(NULL, "\n")) {
			if (line != first)
				putchar(',');
			ctl_print_json_string(line);
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

static int parse_generation(const char *s, uint64_t *generationp)
{
	unsigned long long generation;
	char *end;

	errno = 0;
	generation = strtoull(s, &end, 10);
	if (*s < '0' || *s > '9' || *end || errno || generation < 1 || generation > UINT32_MAX)
		return ctl_complain("confirm wants the number of a generation, not \"%s\"", s);
	*generationp = generation;
	return 0;
}

int ctl_confirm(struct ctl *ctl, const char *arg)
{
	struct xm_request req = { .op = XM_OP_BROKER_CONFIRM };
	bool nothing;
	char *text;
	int r;

	if (arg && parse_generation(arg, &req.arg[XM_A_BROKER_CONFIRM_generation].num) < 0)
		return EXIT_USAGE;
	r = ctl_call(ctl, &req);
	if (r != 0)
		return ctl_exit_code(r);
	nothing = ctl->reply.value != 0;
	text = ctl_text(ctl, XM_A_BROKER_CONFIRM_text);
	text[strcspn(text, "\n")] = '\0';
	if (ctl->json) {
		printf("{\"confirmed\":%s,\"text\":", nothing ? "false" : "true");
		ctl_print_json_string(text);
		puts("}");
	} else if (nothing) {
		ctl_complain("%s", text);
	} else {
		puts(text);
	}
	free(text);
	return nothing ? EXIT_REFUSED : EXIT_SUCCESS;
}
