// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The command line of xmsim.  Owns nothing: what it gives are the words of the command line.
 */

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xmbroker/box.h"
#include "xmbroker/sim/xmsim_options.h"

#ifndef XM_VERSION
#define XM_VERSION "unknown"
#endif

static const char usage[] =
	"usage: xmsim --config XM_CF.xml --dir DIR [options]\n"
	"       xmsim --config XM_CF.xml --attach-fd N --partition P [options]\n"
	"       xmsim --config XM_CF.xml --list [--json]\n"
	"       xmsim --config XM_CF.xml --replay FILE\n"
	"       xmsim --control DIR advance US | event PARTITION|hypervisor EVENT | status\n"
	"\n"
	"Simulates an XtratuM or PRTOS hypervisor with the system that XM_CF.xml describes.\n"
	"\n"
	"  --config FILE      the system description (xm_cf(5))\n"
	"  --dir DIR          listen on DIR/p0.ctl, DIR/p1.ctl, ...: one socket a partition\n"
	"  --attach-fd N      receive connections of partition P through descriptor N\n"
	"  --partition P      the partition of --attach-fd\n"
	"  --profile PROFILE  2.4 (default) or 2.6, for a description of XtratuM 2.x\n"
	"  --quirks HOW       fixed (default), or original: with the defects of the originals\n"
	"  --clock CLOCK      real (default), or virtual: time passes when it is waited for\n"
	"  --behaviour FILE   what partitions without a process do\n"
	"  --faults FILE      calls that are to fail or to take long\n"
	"  --record FILE      write every call and its result to FILE\n"
	"  --console PATH     append the partitions' console output to PATH; - (default): stdout\n"
	"  --uid N, --gid N   become this user and group before serving\n"
	"  --ready-fd N       write \"ready\" to descriptor N when serving\n"
	"  --root-fd N        serve with the empty, removed folder of descriptor N as root\n"
	"  --verbose          list what of the description is not simulated\n"
	"\n"
	"  --list [--json]    print the system instead\n"
	"  --replay FILE      make the recorded calls again and report the first difference\n"
	"  --control DIR      send a command to the xmsim that serves DIR\n"
	"  --self-test        try to break out of the box, and print what happens\n"
	"  --help, --version\n";

static bool to_number(const char *s, int64_t max, int64_t *valuep)
{
	char *end;

	errno = 0;
	*valuep = strtoll(s, &end, 10);
	return *s >= '0' && *s <= '9' && !*end && !errno && *valuep <= max;
}

static int wrong(const char *what)
{
	fprintf(stderr, "xmsim: %s\n%s", what, usage);
	return -EINVAL;
}

static int bad_option(const char *what, const char *value)
{
	fprintf(stderr, "xmsim: %s: \"%s\"\n%s", what, value, usage);
	return -EINVAL;
}

static int set_number(struct xmsim_options *o, int option, const char *value)
{
	int64_t n;

	if (!to_number(value, option == 'u' || option == 'g' ? UINT32_MAX - 1 : INT32_MAX, &n))
		return bad_option("not a number", value);
	switch (option) {
	case 'a':
		o->attach_fd = (int)n;
		break;
	case 'p':
		o->partition = n;
		break;
	case 'R':
		o->root_fd = (int)n;
		break;
	case 'r':
		o->ready_fd = (int)n;
		break;
	case 'u':
		o->uid = (uid_t)n;
		break;
	default:
		o->gid = (gid_t)n;
	}
	return 0;
}

/* One of two words. */
static int set_choice(const char *option, const char *value, const char *no, const char *yes,
		      bool *chosenp)
{
	char what[64];

	*chosenp = !strcmp(value, yes);
	if (*chosenp || !strcmp(value, no))
		return 0;
	snprintf(what, sizeof(what), "%s must be %s or %s", option, no, yes);
	return bad_option(what, value);
}

static int set_profile(struct xmsim_options *o, const char *value)
{
	bool is_26 = false;
	int r = set_choice("--profile", value, "2.4", "2.6", &is_26);

	o->profile = is_26 ? XM_PROFILE_ID_2_6 : XM_PROFILE_ID_2_4;
	return r;
}

static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "dir", required_argument, NULL, 'd' },
	{ "console", required_argument, NULL, 'o' },
	{ "attach-fd", required_argument, NULL, 'a' },
	{ "partition", required_argument, NULL, 'p' },
	{ "ready-fd", required_argument, NULL, 'r' },
	{ "root-fd", required_argument, NULL, 'R' },
	{ "uid", required_argument, NULL, 'u' },
	{ "gid", required_argument, NULL, 'g' },
	{ "profile", required_argument, NULL, 'P' },
	{ "quirks", required_argument, NULL, 'q' },
	{ "clock", required_argument, NULL, 'k' },
	{ "behaviour", required_argument, NULL, 'b' },
	{ "faults", required_argument, NULL, 'f' },
	{ "record", required_argument, NULL, 'w' },
	{ "replay", required_argument, NULL, 'y' },
	{ "control", required_argument, NULL, 'x' },
	{ "list", no_argument, NULL, 'l' },
	{ "json", no_argument, NULL, 'j' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

/* Where the value of an option that takes a path goes, or NULL. */
static const char **path_of(struct xmsim_options *o, int option)
{
	switch (option) {
	case 'c':
		return &o->config;
	case 'd':
		return &o->dir;
	case 'o':
		return &o->console;
	case 'b':
		return &o->behaviour;
	case 'f':
		return &o->faults;
	case 'w':
		return &o->record;
	case 'y':
		o->mode = XMSIM_REPLAY;
		return &o->replay;
	case 'x':
		o->mode = XMSIM_CONTROL;
		return &o->control;
	default:
		return NULL;
	}
}

static int set_value(struct xmsim_options *o, int option)
{
	const char **path = path_of(o, option);

	if (path) {
		*path = optarg;
		return 0;
	}
	switch (option) {
	case 'P':
		return set_profile(o, optarg);
	case 'q':
		return set_choice("--quirks", optarg, "fixed", "original", &o->quirks);
	case 'k':
		return set_choice("--clock", optarg, "real", "virtual", &o->is_virtual);
	default:
		return set_number(o, option, optarg);
	}
}

/* 1: all that was asked for has been printed. */
static int set_option(struct xmsim_options *o, int option)
{
	switch (option) {
	case 'l':
		o->mode = XMSIM_LIST;
		return 0;
	case 'j':
		o->json = true;
		return 0;
	case 'v':
		o->verbose = true;
		return 0;
	case 'h':
		fputs(usage, stdout);
		return 1;
	case 'V':
		puts("xmsim " XM_VERSION);
		return 1;
	case '?':
		fputs(usage, stderr);
		return -EINVAL;
	default:
		return set_value(o, option);
	}
}

static const char *check_serving(const struct xmsim_options *o)
{
	if (!o->dir && o->attach_fd < 0)
		return "one of --dir and --attach-fd is required";
	if ((o->attach_fd < 0) != (o->partition < 0))
		return "--attach-fd and --partition belong together";
	if ((o->uid == BOX_STAY) != (o->gid == (gid_t)-1))
		return "--uid and --gid belong together";
	return NULL;
}

static int check_options(struct xmsim_options *o, char **rest)
{
	const char *what = NULL;

	if (o->mode == XMSIM_CONTROL) {
		o->words = rest;
		return *rest ? 0 : wrong("--control needs a command");
	}
	if (*rest)
		return bad_option("unexpected argument", *rest);
	if (!o->config)
		what = "--config is required";
	else if (o->json && o->mode != XMSIM_LIST)
		what = "--json belongs to --list";
	else if (o->mode == XMSIM_SERVE)
		what = check_serving(o);
	return what ? wrong(what) : 0;
}

int xmsim_options_parse(struct xmsim_options *o, int argc, char **argv)
{
	int option, r = 0;

	*o = (struct xmsim_options){ .console = "-",
				     .attach_fd = -1,
				     .ready_fd = -1,
				     .root_fd = -1,
				     .partition = -1,
				     .uid = BOX_STAY,
				     .gid = (gid_t)-1 };
	while (r == 0 && (option = getopt_long(argc, argv, "+", long_options, NULL)) != -1)
		r = set_option(o, option);
	return r ? r : check_options(o, argv + optind);
}
