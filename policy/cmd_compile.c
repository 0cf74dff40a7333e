// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * xmpolicy compile and dump: to the compiled form, and what is in it.  Must never look into a file that
 * claims to be an image before it is verified.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/command.h"
#include "policy/dump.h"
#include "policy/image_layout.h"

/* ---- compile ----------------------------------------------------------------------------------- */

static bool set_output(struct arguments *args, const char *value)
{
	*(const char **)args->more = value;
	return true;
}

static int compile_to(const struct arguments *args, const char *path)
{
	void *block = NULL;
	struct diag diag;
	size_t len;
	int ret;

	diag_init(&diag);
	ret = command_compile(args, &diag, &block, &len);
	diag_print(&diag, stderr);
	diag_free(&diag);
	if (ret)
		return ret == -EINVAL ? EXIT_FAILS : EXIT_USAGE;
	ret = command_write(path, block, len);
	free(block);
	return ret ? EXIT_USAGE : EXIT_HOLDS;
}

static int run_compile(const struct command *command, int argc, char **argv)
{
	const char *path = NULL;
	struct arguments args;

	if (!command_arguments(command, argc, argv, &path, &args) || !command_policies(&args, 0))
		return EXIT_USAGE;
	if (!path)
		return command_needs(command, "--output");
	return args.n_policies ? compile_to(&args, path) : command_usage(command);
}

static const struct command_option options_of_compile[] = {
	{ "output", true, set_output },
	{ NULL, false, NULL },
};

const struct command command_compile_image = {
	"compile",
	"[--system XM_CF.xml] [--partition N] --output IMAGE POLICY...",
	"write the compiled form of a policy to a file",
	COMMAND_SYSTEM,
	options_of_compile,
	run_compile,
};

/* ---- dump -------------------------------------------------------------------------------------- */

static int complain(const char *path, const char *what)
{
	fprintf(stderr, "xmpolicy: %s: %s\n", path, what);
	return EXIT_USAGE;
}

/* The whole file, if it is one and begins as an image does; else NULL. */
static void *read_image(int fd, size_t *lenp)
{
	struct stat st;
	uint32_t magic = 0;
	size_t len = 0;
	char *block;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size > POLICY_IMAGE_MAX ||
	    pread(fd, &magic, sizeof(magic), 0) != sizeof(magic) || magic != IMAGE_MAGIC)
		return NULL;
	block = malloc((size_t)st.st_size);
	if (!block)
		exit(EXIT_USAGE);
	while (len < (size_t)st.st_size) {
		ssize_t n = pread(fd, block + len, (size_t)st.st_size - len, (off_t)len);

		if (n <= 0)
			break;
		len += (size_t)n;
	}
	*lenp = len;
	return block;
}

/* false: it is none, and was not opened or does not begin like one. */
static bool image_of(const char *path, void **blockp, size_t *lenp)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return false;
	*blockp = read_image(fd, lenp);
	close(fd);
	return *blockp != NULL;
}

static int print(const struct arguments *args, const struct policy_image *image)
{
	json_t *dump = policy_dump(image);
	int bad = 0;

	if (args->json) {
		bad = json_dumpf(dump, stdout, JSON_COMPACT);
		putchar('\n');
	} else {
		policy_dump_print(stdout, dump);
	}
	json_decref(dump);
	return bad || fflush(stdout) ? EXIT_USAGE : EXIT_HOLDS;
}

static int dump(struct arguments *args)
{
	const char *path = args->operands[0];
	void *block = NULL;
	size_t len = 0;
	int ret;

	if (args->n_operands == 1 && image_of(path, &block, &len)) {
		ret = policy_image_verify(block, len)
			      ? print(args, block)
			      : complain(path,
					 "this is no image of this version of xmpolicy, or it "
					 "is damaged");
		free(block);
		return ret;
	}
	if (!command_policies(args, 0))
		return EXIT_USAGE;
	block = command_image(args);
	ret = block ? print(args, block) : EXIT_USAGE;
	free(block);
	return ret;
}

static int run_dump(const struct command *command, int argc, char **argv)
{
	struct arguments args;

	if (!command_arguments(command, argc, argv, NULL, &args))
		return EXIT_USAGE;
	return args.n_operands ? dump(&args) : command_usage(command);
}

const struct command command_dump = {
	"dump",
	"[--json] [--system XM_CF.xml] [--partition N] IMAGE | POLICY...",
	"show what is in the compiled form of a policy",
	COMMAND_JSON | COMMAND_SYSTEM,
	NULL,
	run_dump,
};
