// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The compiler process: short-lived, without privileges, the only one that sees YAML and XML.  It
 * writes the compiled policy into a memfd that its parent gave it and seals that, or says on stderr
 * what is wrong.  Must never hold the device, a client or the log.
 *
 *   xmbroker-compiler --image-fd N [--system PATH|loopback:] [--partition N] POLICY...
 *   xmbroker-compiler --print-config FILE
 *   xmbroker-compiler --self-test [--uid N --gid N]
 *
 * Exit: 0 good, 1 the policy or configuration is bad, 2 usage, or something cannot be read or written.
 */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "policy/compile.h"
#include "policy/image.h"
#include "xmbroker/box_paths.h"
#include "xmbroker/compiler_config.h"
#include "xmbroker/selftest.h"

enum { EXIT_GOOD = 0, EXIT_BAD = 1, EXIT_UNABLE = 2 };

#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

struct arguments {
	int image_fd;
	const char *config;
	struct policy_options options;
};

static int exit_code(int ret)
{
	return !ret ? EXIT_GOOD : ret == -EINVAL ? EXIT_BAD : EXIT_UNABLE;
}

static int write_all(int fd, const uint8_t *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* The whole image, and nothing else, in a file that nobody can change any more. */
static int deliver(int fd, const void *image, size_t len)
{
	int ret;

	if (ftruncate(fd, 0) || lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	ret = write_all(fd, image, len);
	if (ret)
		return ret;
	return fcntl(fd, F_ADD_SEALS, SEALS) ? -errno : 0;
}

/* Only what is beneath the policies, the description and where the system has its own is readable. */
static int close_box(const struct arguments *args, char *const *policies, size_t n)
{
	struct box_paths paths;
	int fds[] = { args->image_fd }, ret = box_keep_only(fds, 1);

	box_paths_init(&paths);
	if (args->config)
		box_paths_add_folder_of(&paths, args->config, BOX_READ);
	if (args->options.system)
		box_paths_add_folder_of(&paths, args->options.system, BOX_READ);
	for (size_t i = 0; i < n; i++)
		box_paths_add_policy(&paths, policies[i]);
	if (!ret)
		ret = box_confine_to(BOX_COMPILER, paths.place, paths.n);
	box_paths_deinit(&paths);
	if (ret)
		fprintf(stderr, "xmbroker-compiler: cannot close its box: %s\n", strerror(-ret));
	return ret;
}

static int compile(const struct arguments *args, char *const *paths, size_t n)
{
	void *image = NULL;
	struct diag diag;
	size_t len;
	int ret;

	diag_init(&diag);
	ret = policy_compile((const char *const *)paths, n, &args->options, &diag, &image, &len);
	diag_print(&diag, stderr);
	diag_free(&diag);
	if (ret == -EACCES)
		fputs("xmbroker-compiler: it may read only beneath /etc and /usr, and the folders "
		      "of "
		      "the policy files, of their `system`, and of the backend's description, as "
		      "they were when xmbroker started\n",
		      stderr);
	if (!ret && !policy_image_verify(image, len)) {
		fputs("xmbroker-compiler: the compiled image does not verify\n", stderr);
		abort();
	}
	if (!ret) {
		ret = deliver(args->image_fd, image, len);
		if (ret)
			fprintf(stderr, "xmbroker-compiler: cannot write the image: %s\n",
				strerror(-ret));
		free(image);
		return ret ? EXIT_UNABLE : EXIT_GOOD;
	}
	return exit_code(ret);
}

static int print_config(const char *path)
{
	struct diag diag;
	int ret;

	diag_init(&diag);
	ret = compiler_config_print(path, &diag, stdout);
	diag_print(&diag, stderr);
	diag_free(&diag);
	if (fflush(stdout))
		return EXIT_UNABLE;
	return exit_code(ret);
}

static int usage(void)
{
	fputs("usage: xmbroker-compiler --image-fd N [--system PATH|loopback:] [--partition N] "
	      "POLICY...\n"
	      "       xmbroker-compiler --print-config FILE\n",
	      stderr);
	return EXIT_UNABLE;
}

static bool number(const char *text, unsigned long max, unsigned long *valuep)
{
	char *end;

	errno = 0;
	*valuep = strtoul(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && !errno && *valuep <= max;
}

static bool parse(struct arguments *args, int argc, char **argv)
{
	static const struct option options[] = {
		{ "image-fd", required_argument, NULL, 'i' },
		{ "system", required_argument, NULL, 's' },
		{ "partition", required_argument, NULL, 'p' },
		{ "print-config", required_argument, NULL, 'c' },
		{ NULL, 0, NULL, 0 },
	};
	unsigned long value;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (option == 'i' && number(optarg, 1 << 20, &value))
			args->image_fd = (int)value;
		else if (option == 'p' && number(optarg, UINT32_MAX - 1, &value))
			args->options.partition = (uint32_t)value;
		else if (option == 's')
			args->options.system = optarg;
		else if (option == 'c')
			args->config = optarg;
		else
			return false;
	}
	if (args->config)
		return optind == argc && args->image_fd < 0;
	return optind < argc && args->image_fd >= 0;
}

int main(int argc, char **argv)
{
	static const enum box_role role = BOX_COMPILER;
	struct arguments args = {
		.image_fd = -1,
		.options = { .partition = POLICY_NO_PARTITION, .system_required = true },
	};
	int ret = box_become(BOX_COMPILER, BOX_STAY, 0);

	if (ret) {
		fprintf(stderr, "xmbroker-compiler: cannot give up privileges: %s\n",
			strerror(-ret));
		return EXIT_UNABLE;
	}
	if (argc == 2 && !strcmp(argv[1], "--version")) {
		puts("xmbroker-compiler " XM_VERSION);
		return EXIT_SUCCESS;
	}
	if (argc > 1 && !strcmp(argv[1], "--self-test"))
		return selftest_main(argc, argv, &role, 1);
	if (!parse(&args, argc, argv))
		return usage();
	if (close_box(&args, argv + optind, (size_t)(argc - optind)))
		return EXIT_UNABLE;
	if (args.config)
		return print_config(args.config);
	return compile(&args, argv + optind, (size_t)(argc - optind));
}
