// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the conformance suite is told about the system that it tests: a file of words, a line a
 * thing.  Lines are
 *
 *	partitions N
 *	self|plain|managed|silent|unbooted ID NAME
 *	on-error ignore|cold|warm|suspend|halt ID
 *	plan NAME FRAME			(in the order of their numbers; "-": has no name)
 *	port ROLE NAME SIZE DEPTH PERIOD [PARTITION:PORT ...]
 *	area own|read-only|other PARTITION ADDRESS SIZE
 *	trace KEPT LEFT-OUT		(bits of a kind that the own trace keeps, and does not)
 *	vcpus N; line N; foreign-line N; ipvi NUMBER PARTITION; ipvi-unused NUMBER
 *	console; hm; watchdog
 *
 * Times are microseconds, # begins a comment.
 */

#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/conformance/conformance.h"

#define WORDS 16

struct machine machine;
const char *machine_control;

static const char *const port_roles[N_PORT_ROLES] = {
	[SAMPLING_OUT] = "sampling-out",
	[SAMPLING_IN] = "sampling-in",
	[SAMPLING_FOREVER] = "sampling-forever",
	[QUEUING_OUT] = "queuing-out",
	[QUEUING_IN] = "queuing-in",
	[LOOSE_SAMPLING_OUT] = "loose-sampling-out",
	[LOOSE_SAMPLING_IN] = "loose-sampling-in",
	[LOOSE_QUEUING_OUT] = "loose-queuing-out",
	[LOOSE_QUEUING_IN] = "loose-queuing-in",
};
static const char *const error_roles[N_ERROR_ROLES] = { "ignore", "cold", "warm", "suspend",
							"halt" };

static int position(const char *word, const char *const *list, int n)
{
	for (int i = 0; i < n; i++)
		if (!strcmp(word, list[i]))
			return i;
	return -1;
}

static void set_name(char name[NAME_MAX_LEN], const char *word)
{
	snprintf(name, NAME_MAX_LEN, "%s", word);
}

static bool set_port(char *words[], int n)
{
	int role = n >= 6 ? position(words[1], port_roles, N_PORT_ROLES) : -1;
	struct port *port;

	if (role < 0)
		return false;
	port = &machine.port[role];
	port->there = true;
	set_name(port->name, words[2]);
	port->size = (unsigned int)strtoul(words[3], NULL, 0);
	port->depth = (unsigned int)strtoul(words[4], NULL, 0);
	port->period = strtoll(words[5], NULL, 0);
	for (int i = 6; i < n && port->n_far < FAR_MAX; i++) {
		char *name = strchr(words[i], ':');

		if (!name)
			return false;
		port->far[port->n_far].partition = strtol(words[i], NULL, 0);
		set_name(port->far[port->n_far++].name, name + 1);
	}
	return true;
}

static bool set_area(char *words[], int n)
{
	static const char *const kinds[] = { "own", "read-only", "other" };
	struct range *const areas[] = { &machine.own, &machine.read_only, &machine.other };
	int kind = n == 5 ? position(words[1], kinds, 3) : -1;

	if (kind < 0)
		return false;
	*areas[kind] = (struct range){ true, (unsigned int)strtoul(words[2], NULL, 0),
				       strtoul(words[3], NULL, 0), strtoul(words[4], NULL, 0) };
	return true;
}

static bool set_partition(char *words[], int n)
{
	static const char *const roles[] = { "self", "plain", "managed", "silent", "unbooted" };
	struct end *const ends[] = { &machine.self, &machine.plain, &machine.managed,
				     &machine.silent, &machine.unbooted };
	int role = n == 3 ? position(words[0], roles, 5) : -1;

	if (role < 0)
		return false;
	ends[role]->partition = strtol(words[1], NULL, 0);
	set_name(ends[role]->name, words[2]);
	return true;
}

static bool set_error(char *words[], int n)
{
	int role = n == 3 ? position(words[1], error_roles, N_ERROR_ROLES) : -1;

	if (role < 0)
		return false;
	machine.on_error[role] = strtol(words[2], NULL, 0);
	return true;
}

static bool set_plan(char *words[], int n)
{
	if (n != 3 || machine.n_plans == 8)
		return false;
	set_name(machine.plan_name[machine.n_plans], words[1]);
	machine.frame[machine.n_plans++] = strtoll(words[2], NULL, 0);
	return true;
}

static bool set_numbers(char *words[], int n)
{
	unsigned long a = n > 1 ? strtoul(words[1], NULL, 0) : 0;
	unsigned long b = n > 2 ? strtoul(words[2], NULL, 0) : 0;

	if (!strcmp(words[0], "partitions")) {
		machine.n_partitions = (unsigned int)a;
	} else if (!strcmp(words[0], "vcpus")) {
		machine.vcpus = (unsigned int)a;
	} else if (!strcmp(words[0], "line")) {
		machine.line = (long)a;
	} else if (!strcmp(words[0], "foreign-line")) {
		machine.foreign_line = (long)a;
	} else if (!strcmp(words[0], "ipvi") && n == 3) {
		machine.ipvi_number = (unsigned int)a;
		machine.ipvi.partition = (long)b;
	} else if (!strcmp(words[0], "ipvi-unused")) {
		machine.ipvi_unused = (unsigned int)a;
	} else if (!strcmp(words[0], "trace") && n == 3) {
		machine.traced = (long)a;
		machine.untraced = (long)b;
	} else {
		return false;
	}
	return n > 1;
}

static bool set_flag(char *words[], int n)
{
	static const char *const names[] = { "console", "hm", "watchdog" };
	bool *const flags[] = { &machine.console, &machine.hm, &machine.watchdog };
	int i = n == 1 ? position(words[0], names, 3) : -1;

	if (i >= 0)
		*flags[i] = true;
	return i >= 0;
}

static bool set_line(char *words[], int n)
{
	if (!strcmp(words[0], "port"))
		return set_port(words, n);
	if (!strcmp(words[0], "area"))
		return set_area(words, n);
	if (!strcmp(words[0], "on-error"))
		return set_error(words, n);
	if (!strcmp(words[0], "plan"))
		return set_plan(words, n);
	return set_partition(words, n) || set_flag(words, n) || set_numbers(words, n);
}

static int split(char *line, char *words[WORDS])
{
	int n = 0;

	line[strcspn(line, "#\n")] = '\0';
	for (char *word = strtok(line, " \t"); word && n < WORDS; word = strtok(NULL, " \t"))
		words[n++] = word;
	return n;
}

static void set_defaults(void)
{
	struct end *const ends[] = { &machine.self,   &machine.plain,    &machine.managed,
				     &machine.silent, &machine.unbooted, &machine.ipvi };

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		ends[i]->partition = -1;
	for (int i = 0; i < N_ERROR_ROLES; i++)
		machine.on_error[i] = -1;
	machine.line = machine.foreign_line = -1;
	machine.vcpus = 1;
}

bool machine_load(const char *path)
{
	FILE *file = fopen(path, "re");
	char line[512], *words[WORDS];
	bool good = true;

	set_defaults();
	if (!file) {
		fprintf(stderr, "conformance: %s: %s\n", path, strerror(errno));
		return false;
	}
	for (int number = 1; fgets(line, sizeof(line), file); number++) {
		int n = split(line, words);

		if (n && !set_line(words, n)) {
			fprintf(stderr, "conformance: %s:%d: what is \"%s\"?\n", path, number,
				words[0]);
			good = false;
		}
	}
	fclose(file);
	return good;
}

/* ---- time ----------------------------------------------------------------------------------------- */

long long machine_time(void)
{
	xmTime_t now;

	return XM_get_time(XM_HW_CLOCK, &now) == XM_OK ? now : -1;
}

static bool advance(long long us)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char text[64];
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	ssize_t n = -1;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", machine_control);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0) {
		int len = snprintf(text, sizeof(text), "advance %lld", us);

		if (send(fd, text, (size_t)len, MSG_NOSIGNAL) == len)
			n = recv(fd, text, sizeof(text), 0);
	}
	close(fd);
	return n > 0;
}

void machine_pass(long long us)
{
	const struct timespec pause = { 0, 500000 };
	long long until = machine_time() + us;

	if (machine_control) {
		check_true(__FILE__, __LINE__, "the virtual clock can be moved", advance(us));
		return;
	}
	while (machine_time() < until && machine_time() >= 0)
		nanosleep(&pause, NULL);
}

/* While it idles the clock stands still, as long as others are connected and do not wait. */
static _Noreturn void keep_moving(void)
{
	const struct timespec pause = { 0, 2000000 };

	for (;;) {
		advance(1000);
		nanosleep(&pause, NULL);
	}
}

long machine_idle(void)
{
	pid_t mover = machine_control ? fork() : -1;
	long code;
	int error;

	if (mover == 0)
		keep_moving();
	errno = 0;
	code = XM_idle_self();
	error = errno;
	if (mover > 0) {
		kill(mover, SIGKILL);
		waitpid(mover, NULL, 0);
	}
	errno = error;
	return code;
}
