// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the bench runs against: brokers with temporary files, and a bare echo.  Owns all processes and
 * files of the bench; they are gone when it ends.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/bench.h"

#define PIDS_MAX 16
#define READY_MS 20000

static char folder[32];
static pid_t pids[PIDS_MAX];
static size_t n_pids;

/* ---- files --------------------------------------------------------------------------------------------- */

const char *peers_folder(void)
{
	if (!*folder) {
		strcpy(folder, "/tmp/xmbench.XXXXXX");
		if (!mkdtemp(folder)) {
			*folder = '\0';
			bench_die("cannot make a folder in /tmp: %s", strerror(errno));
		}
		chmod(folder, 0755);
	}
	return folder;
}

void peers_file(char path[PEER_PATH], const char *name, const char *text)
{
	FILE *file;

	snprintf(path, PEER_PATH, "%s/%s", peers_folder(), name);
	if (!text)
		return;
	file = fopen(path, "we");
	if (!file || fputs(text, file) == EOF || fclose(file) == EOF)
		bench_die("cannot write %s: %s", path, strerror(errno));
}

static void remove_folder(void)
{
	DIR *dir = *folder ? opendir(folder) : NULL;
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	if (*folder)
		rmdir(folder);
	*folder = '\0';
}

/* ---- processes ----------------------------------------------------------------------------------------- */

void peers_cleanup(void)
{
	for (size_t i = 0; i < n_pids; i++)
		kill(pids[i], SIGTERM);
	for (size_t i = 0; i < n_pids; i++)
		waitpid(pids[i], NULL, 0);
	n_pids = 0;
	remove_folder();
}

static cpu_set_t others; /* processors that the peers are not on */

bool peers_apart(void)
{
	return CPU_COUNT(&others) > 0;
}

void peers_move(void)
{
	if (peers_apart() && sched_setaffinity(0, sizeof(others), &others) < 0)
		bench_die("sched_setaffinity: %s", strerror(errno));
}

int peers_pin(void)
{
	cpu_set_t allowed, one;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
		bench_die("sched_getaffinity: %s", strerror(errno));
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &allowed))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		if (sched_setaffinity(0, sizeof(one), &one) < 0)
			bench_die("sched_setaffinity: %s", strerror(errno));
		others = allowed;
		CPU_CLR(cpu, &others);
		return cpu;
	}
	bench_die("no processor");
}

/* A child that is asked to stop when the bench is gone. */
static pid_t start_child(void)
{
	pid_t parent = getpid(), pid = n_pids < PIDS_MAX ? fork() : -1;

	if (pid < 0)
		bench_die("fork: %s", strerror(errno));
	if (pid > 0) {
		pids[n_pids++] = pid;
		return pid;
	}
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent)
		_exit(127);
	return 0;
}

/* Not the machine's own, whatever is in it: a sealed log, and no limit of what is to be measured. */
static void write_config(const char *name, char config[PEER_PATH])
{
	char file[64], key[PEER_PATH], text[PEER_PATH + 128];

	snprintf(file, sizeof(file), "%s.key", name);
	snprintf(text, sizeof(text), "xmbroker-audit-key:1 epoch=1 key=%064d\n", 1);
	peers_file(key, file, text);
	chmod(key, 0600);
	snprintf(file, sizeof(file), "%s.yaml", name);
	snprintf(text, sizeof(text),
		 "partition: 0\naudit_key: %s\ncalls_per_user: 0\naudit_per_user: 0\n"
		 "connections_per_user: 0\n",
		 key);
	peers_file(config, file, text);
}

static _Noreturn void exec_broker(const struct peer *peer, const char *build, const char *backend,
				  const char *policy, const char *audit, const char *config,
				  int log)
{
	char program[PATH_MAX];
	const char *argv[16] = { "xmbroker",   "--policy", policy, "--backend", backend, "--socket",
				 peer->socket, "--audit",  audit,  "--config",  config };
	size_t n = 11;

	if (geteuid() == 0) {
		argv[n++] = "--user";
		argv[n++] = "64242:64242";
	}
	argv[n] = NULL;
	snprintf(program, sizeof(program), "%s/xmbroker", build);
	dup2(log, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	execv(program, (char *const *)(uintptr_t)argv);
	dprintf(STDERR_FILENO, "cannot run %s: %s\n", program, strerror(errno));
	_exit(127);
}

static bool log_says(const char *path, char *text, size_t cap)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, cap - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	return strstr(text, "xmbroker: ready");
}

void peer_start(struct peer *peer, const char *build, const char *name, const char *backend,
		const char *policy)
{
	char audit[PEER_PATH], log[PEER_PATH], config[PEER_PATH], file[64], text[8192];
	int fd;

	snprintf(file, sizeof(file), "%s.socket", name);
	peers_file(peer->socket, file, NULL);
	snprintf(file, sizeof(file), "%s.jsonl", name);
	peers_file(audit, file, NULL);
	snprintf(file, sizeof(file), "%s.log", name);
	peers_file(log, file, "");
	write_config(name, config);
	fd = open(log, O_WRONLY | O_APPEND | O_CLOEXEC);
	peer->pid = start_child();
	if (peer->pid == 0)
		exec_broker(peer, build, backend, policy, audit, config, fd);
	close(fd);
	for (int i = 0; i < READY_MS / 10; i++) {
		if (log_says(log, text, sizeof(text)))
			return;
		if (waitpid(peer->pid, NULL, WNOHANG) == peer->pid) {
			n_pids--;
			break;
		}
		usleep(10000);
	}
	bench_die("xmbroker does not start:\n%s", text);
}

static bool has_name(pid_t pid, const char *name)
{
	char path[64], comm[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(comm, sizeof(comm), file))
		comm[0] = '\0';
	fclose(file);
	return !strncmp(comm, name, strlen(name));
}

pid_t peer_server(const struct peer *peer)
{
	char path[64];
	int pid, found = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)peer->pid, (int)peer->pid);
	file = fopen(path, "re");
	if (!file)
		bench_die("%s: %s", path, strerror(errno));
	while (!found && fscanf(file, "%d", &pid) == 1)
		found = has_name(pid, "xmbroker-server") ? pid : 0;
	fclose(file);
	if (!found)
		bench_die("xmbroker has no server");
	return found;
}

/* ---- connections --------------------------------------------------------------------------------------- */

int peer_connect(const struct peer *peer)
{
	const struct xm_wire_hello hello = {
		.version_min = XM_WIRE_VERSION,
		.version_max = XM_WIRE_VERSION,
		.profile = XM_PROFILE_ID_3_X,
		.comm = "bench",
	};
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct xm_wire_welcome welcome;
	uint8_t msg[1024];
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), len;
	ssize_t n;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", peer->socket);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		bench_die("cannot connect to %s: %s", peer->socket, strerror(errno));
	len = xm_wire_put_hello(msg, sizeof(msg), &hello);
	if (len < 0 || send(fd, msg, (size_t)len, MSG_NOSIGNAL) < 0)
		bench_die("cannot greet: %s", strerror(errno));
	n = recv(fd, msg, sizeof(msg), 0);
	if (n <= 0 || xm_wire_get_welcome(msg, (size_t)n, &welcome) < 0)
		bench_die("xmbroker does not welcome us");
	return fd;
}

static _Noreturn void serve_echo(int fd, size_t answer)
{
	static uint8_t buf[4096];
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		_exit(1);
	while (epoll_wait(epoll, &event, 1, -1) == 1) {
		if (recv(event.data.fd, buf, sizeof(buf), 0) <= 0)
			_exit(0);
		if (send(event.data.fd, buf, answer, MSG_NOSIGNAL) < 0)
			_exit(0);
	}
	_exit(0);
}

int peer_echo(size_t answer)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		bench_die("socketpair: %s", strerror(errno));
	if (start_child() == 0) {
		close(pair[0]);
		serve_echo(pair[1], answer);
	}
	close(pair[1]);
	return pair[0];
}

/* ---- policy -------------------------------------------------------------------------------------------- */

const struct policy_image *peer_compile(const char *build, const char *policy)
{
	const struct policy_image *image;
	char program[PATH_MAX], number[16];
	struct stat st;
	int fd = memfd_create("bench", MFD_ALLOW_SEALING), status;
	pid_t pid;
	void *map;

	snprintf(program, sizeof(program), "%s/xmbroker-compiler", build);
	snprintf(number, sizeof(number), "%d", fd);
	pid = fork();
	if (pid == 0) {
		execl(program, program, "--image-fd", number, "--system", "loopback:", policy,
		      NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0 || fstat(fd, &st) < 0)
		bench_die("%s cannot compile %s", program, policy);
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	image = map == MAP_FAILED ? NULL : policy_image_verify(map, (size_t)st.st_size);
	if (!image)
		bench_die("the compiled policy does not verify");
	close(fd);
	return image;
}
