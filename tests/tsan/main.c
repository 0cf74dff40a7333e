// SPDX-License-Identifier: LGPL-2.1-or-later
/* Runs the tests that tests/tsan/criterion/criterion.h has collected.  Takes Criterion's --tap=FILE. */

#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

#define TESTS_MAX 256

static const struct tsan_test *tests[TESTS_MAX];
static const struct tsan_suite *suites[TESTS_MAX];
static unsigned int n_tests, n_suites;

void tsan_add_test(const struct tsan_test *test)
{
	if (n_tests == TESTS_MAX)
		abort();
	tests[n_tests++] = test;
}

void tsan_add_suite(const struct tsan_suite *suite)
{
	if (n_suites == TESTS_MAX)
		abort();
	suites[n_suites++] = suite;
}

void tsan_failed(const char *file, int line, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fprintf(stderr, "%s:%d: ", file, line);
	vfprintf(stderr, format, ap);
	fputc('\n', stderr);
	va_end(ap);
	_exit(1);
}

static struct tsan_options options_of(const struct tsan_test *test)
{
	struct tsan_options options = test->options;

	for (unsigned int i = 0; i < n_suites; i++)
		if (!strcmp(suites[i]->name, test->suite)) {
			options.init = options.init ? options.init : suites[i]->options.init;
			options.fini = options.fini ? options.fini : suites[i]->options.fini;
			if (!options.timeout)
				options.timeout = suites[i]->options.timeout;
		}
	return options;
}

static bool run(const struct tsan_test *test)
{
	struct tsan_options options = options_of(test);
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		alarm(options.timeout ? options.timeout * 3 : 60); /* everything is slower here */
		if (options.init)
			options.init();
		test->run();
		if (options.fini)
			options.fini();
		exit(0); /* not _exit(): the sanitizer's verdict comes with it */
	}
	if (waitpid(pid, &status, 0) != pid)
		return false;
	if (options.signal)
		return WIFSIGNALED(status) && WTERMSIG(status) == options.signal;
	return WIFEXITED(status) && WEXITSTATUS(status) == options.exit_code;
}

int main(int argc, char **argv)
{
	const char *path = argc > 1 && !strncmp(argv[1], "--tap=", 6) ? argv[1] + 6 : NULL;
	FILE *out = path ? fopen(path, "w") : stdout;
	unsigned int failed = 0;

	if (!out)
		return 2;
	for (unsigned int i = 0; i < n_tests; i++) {
		bool good = tests[i]->options.disabled || run(tests[i]);

		failed += !good;
		fprintf(out, "%sok - %s::%s\n", good ? "" : "not ", tests[i]->suite,
			tests[i]->name);
		fflush(out);
	}
	return failed ? 1 : 0;
}
