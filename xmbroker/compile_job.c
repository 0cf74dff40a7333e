// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Running the compiler.  Owns its pid, its output and the memory for the image until that is handed
 * over.  Must never look into the image nor at the policy: both come from a process that reads what
 * people wrote, and are for the server to verify.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "policy/image.h"
#include "xmbroker/compile_job.h"
#include "xmbroker/log.h"
#include "xmbroker/options.h"
#include "xmbroker/service.h"
#include "xmbroker/spawn.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

#define PIPE_HOLDS 65536

void compile_init(struct compile_job *job, struct loop *loop)
{
	memset(job, 0, sizeof(*job));
	job->loop = loop;
	job->pid = -1;
	job->fd = -1;
	job->source.fd = -1;
}

int compile_make_memory(void)
{
	int fd = memfd_create("xmbroker-policy", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL) /* a kernel before 6.3 */
		fd = memfd_create("xmbroker-policy", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd < 0 ? -errno : fd;
}

/* Adds what the compiler wrote, cut at the bound, without anything that a terminal could act on. */
static void add_text(struct compile_job *job, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len && job->len < COMPILE_TEXT_MAX; i++) {
		char c = bytes[i];

		if (((unsigned char)c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
			c = '?';
		job->text[job->len++] = c;
	}
	job->text[job->len] = '\0';
}

/* Reads what is there, but no more in one turn than a pipe holds: who writes faster than we read must
 * not keep the loop from its deadline.  Returns whether more may come. */
static bool drain(struct compile_job *job, int fd)
{
	char bytes[4096];

	for (size_t done = 0; done < PIPE_HOLDS;) {
		ssize_t n = read(fd, bytes, sizeof(bytes));

		if (n > 0) {
			add_text(job, bytes, (size_t)n);
			done += (size_t)n;
		} else if (n == 0 || errno != EINTR) {
			return n < 0 && errno == EAGAIN;
		}
	}
	return true;
}

static void on_output(struct loop_source *source, uint32_t events)
{
	struct compile_job *job = (struct compile_job *)source;
	int fd = source->fd;

	(void)events;
	if (drain(job, fd))
		return;
	loop_remove(job->loop, source);
	close(fd);
}

static int start(struct compile_job *job, const struct compile_args *args, int err)
{
	const char *argv[8 + OPTIONS_POLICIES_MAX] = { "xmbroker-compiler", "--image-fd", "3" };
	char partition[16];
	struct spawn spawn = {
		.path = args->compiler,
		.argv = argv,
		.fds = { job->fd },
		.n_fds = 1,
		.out = -1,
		.err = err,
		.role = BOX_COMPILER,
	};
	size_t n = 3;

	if (args->system) {
		argv[n++] = "--system";
		argv[n++] = args->system;
	}
	snprintf(partition, sizeof(partition), "--partition=%u", (unsigned int)args->partition);
	argv[n++] = partition;
	argv[n++] = "--";
	for (size_t i = 0; i < OPTIONS_POLICIES_MAX && args->policies[i]; i++)
		argv[n++] = args->policies[i];
	return spawn_run(&spawn, &job->pid);
}

int compile_start(struct compile_job *job, const struct compile_args *args)
{
	int err[2], r;

	job->len = 0;
	job->text[0] = '\0';
	job->late = false;
	job->deadline = job->loop->now + COMPILE_SECONDS * 1000;
	job->fd = compile_make_memory();
	if (job->fd < 0)
		return job->fd;
	if (pipe2(err, O_CLOEXEC | O_NONBLOCK) < 0) {
		r = -errno;
		goto out_memory;
	}
	fcntl(err[1], F_SETFL, 0); /* the compiler may wait for us, not fail */
	r = start(job, args, err[1]);
	close(err[1]);
	if (r == 0)
		r = loop_add(job->loop, &job->source, err[0], EPOLLIN, on_output);
	if (r == 0)
		return 0;
	close(err[0]);
out_memory:
	close(job->fd);
	job->fd = -1;
	return r;
}

static const char *judge_image(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;

	if (seals < 0 || (seals & SEALS) != SEALS)
		return "the compiler did not seal the image";
	if (fstat(fd, &st) < 0 || st.st_size <= 0 || st.st_size > (off_t)POLICY_IMAGE_MAX)
		return "the compiled image is empty or too large";
	return NULL;
}

static void explain(struct compile_job *job, int status)
{
	char text[256], how[192];

	if (job->late)
		snprintf(text, sizeof(text), "the compiler took more than %d seconds\n",
			 COMPILE_SECONDS);
	else if (WIFSIGNALED(status))
		snprintf(text, sizeof(text), "the compiler %s\n",
			 service_status_text(status, how, sizeof(how)));
	else if (WEXITSTATUS(status) != 0 && job->len == 0)
		snprintf(text, sizeof(text), "the compiler ended with status %d\n",
			 WEXITSTATUS(status));
	else
		return;
	if (job->len && job->text[job->len - 1] != '\n')
		add_text(job, "\n", 1); /* what it said was cut off */
	add_text(job, text, strlen(text));
}

int compile_finish(struct compile_job *job, int status)
{
	const char *flaw = NULL;
	int fd = job->fd, err = job->source.fd;

	job->pid = -1;
	job->fd = -1;
	if (err >= 0) {
		drain(job, err);
		loop_remove(job->loop, &job->source);
		close(err);
	}
	explain(job, status);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		flaw = judge_image(fd);
		if (!flaw)
			return fd;
		add_text(job, flaw, strlen(flaw));
		add_text(job, "\n", 1);
	}
	close(fd);
	return -EINVAL;
}

void compile_check_time(struct compile_job *job)
{
	if (job->pid < 0 || job->late || job->loop->now < job->deadline)
		return;
	job->late = true;
	kill(job->pid, SIGKILL);
}

/* ---- configuration file ------------------------------------------------------------------------------ */

/* Reads to the end, or for COMPILE_SECONDS at most. */
static int read_all(int fd, char *lines, size_t cap)
{
	time_t end = time(NULL) + COMPILE_SECONDS;
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };
	size_t len = 0;

	while (len < cap - 1) {
		ssize_t n;

		if (time(NULL) > end || poll(&pollfd, 1, 1000) < 0)
			return -ETIMEDOUT;
		if (!pollfd.revents)
			continue;
		n = read(fd, lines + len, cap - 1 - len);
		if (n < 0)
			return -errno;
		if (n == 0) {
			lines[len] = '\0';
			return strlen(lines) == len ? 0 : -EPROTO;
		}
		len += (size_t)n;
	}
	return -E2BIG;
}

int compile_print_config(const char *compiler, const char *file, char *lines, size_t cap)
{
	const char *argv[] = { "xmbroker-compiler", "--print-config", file, NULL };
	struct spawn spawn = { .path = compiler, .argv = argv, .err = -1, .role = BOX_COMPILER };
	int out[2], r, status = 0;
	char how[192];
	pid_t pid;

	if (pipe2(out, O_CLOEXEC) < 0)
		return -errno;
	spawn.out = out[1];
	r = spawn_run(&spawn, &pid);
	close(out[1]);
	if (r < 0) {
		log_error("cannot run %s: %s", compiler, strerror(-r));
		close(out[0]);
		return -EINVAL;
	}
	r = read_all(out[0], lines, cap);
	close(out[0]);
	if (r < 0)
		kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	if (r < 0)
		log_error("%s: the compiler did not read it well: %s", file, strerror(-r));
	else if (WIFSIGNALED(status))
		log_error("%s: the compiler %s", file,
			  service_status_text(status, how, sizeof(how)));
	if (r == 0 && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
		r = -EINVAL; /* it has said why */
	return r < 0 ? -EINVAL : 0;
}
