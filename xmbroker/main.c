// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * xmbroker: the supervisor's command line.  Owns the options; hands over to supervisor.c.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "xmbroker/box.h"
#include "xmbroker/compile_job.h"
#include "xmbroker/launch.h"
#include "xmbroker/log.h"
#include "xmbroker/notify.h"
#include "xmbroker/options.h"
#include "xmbroker/spawn.h"
#include "xmbroker/supervisor.h"
#include "xmbroker/supervisor_box.h"

#define EXIT_USAGE 2

/* What is opened later must not become a standard descriptor by accident. */
static void fill_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

#define PASSED_MAX 64

/* What whoever started us had open stays with nobody: not with us, nor with what we start. */
static void keep_passed_descriptors(void)
{
	int fds[PASSED_MAX];
	size_t n = 0;

	for (; n < notify_passed() && n < PASSED_MAX; n++)
		fds[n] = NOTIFY_FIRST + (int)n;
	if (box_keep_only(fds, n) == 0)
		return;
	log_warning("the service manager named descriptors that are not open");
	box_keep_only(fds, 0);
}

/* Reads the configuration file, if there is one to be read. */
static int read_config(struct options *opts, const char *compiler)
{
	static char lines[65536];
	const char *file = opts->config ? opts->config : OPTIONS_CONFIG;
	int r;

	if (!opts->config && access(file, F_OK) < 0 && errno == ENOENT)
		return 0;
	r = compile_print_config(compiler, file, lines, sizeof(lines));
	return r < 0 ? r : options_apply_config(opts, file, lines);
}

static int prepare(struct options *opts, struct launch *launch)
{
	int r;

	if (spawn_find("xmbroker-compiler", launch->compiler) < 0) {
		log_error(
			"xmbroker-compiler is neither beside xmbroker nor in ../libexec/xmbroker");
		return -ENOENT;
	}
	r = read_config(opts, launch->compiler);
	if (r == 0)
		r = options_finish(opts);
	return r == 0 ? launch_init(launch, opts) : r;
}

int main(int argc, char *argv[])
{
	static struct launch launch;
	struct options opts;
	int r, code = EXIT_USAGE;

	fill_standard_descriptors();
	umask(022); /* whatever the caller's was: clients must reach the socket */
	log_init();
	notify_init();
	keep_passed_descriptors();
	options_init(&opts);
	r = options_parse(&opts, argc, argv);
	if (r == 0)
		r = prepare(&opts, &launch);
	if (r == 0 && opts.self_test)
		code = supervisor_print_self_test(&launch, opts.json);
	else if (r == 0 && opts.check)
		code = supervisor_check(&launch);
	else if (r == 0)
		code = supervisor_run(&launch);
	else if (r == 1)
		code = EXIT_SUCCESS;
	options_deinit(&opts);
	return code;
}
