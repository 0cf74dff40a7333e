// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A program that knows the original interface of /dev/xmctl and nothing else: no header of this
 * project.  Profile 2.4, as libxm-linux had it: open, _IO('X', number), five words.  What it does is
 * what libxm-linux's users do: who am I, what time is it, hello, how is partition 1, halt it and start
 * it again, open a port and write to it.  Exit status 0 if all went as they would expect.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define XMDEV "/dev/xmctl"

enum {
	HALT_PARTITION = 1,
	SUSPEND_PARTITION = 2,
	RESUME_PARTITION = 3,
	RESET_PARTITION = 4,
	GET_TIME = 10,
	SET_TIMER = 11,
	READ_OBJECT = 12,
	WRITE_OBJECT = 13,
	CTRL_OBJECT = 15,
	PARTITION_SELF = 25,
};

#define OBJECT(class, partition, id) ((unsigned long)(class) << 20 | (partition) << 10 | (id))
#define CONSOLE 1
#define SAMPLING_PORT 4
#define STATUS 8

struct status {
	unsigned int state;
	unsigned long long noVIrqs;
	unsigned int resetCounter, resetStatus;
	long long execClock;
	unsigned long long counters[4];
};

struct port {
	const char *portName;
	unsigned int maxMsgSize, direction;
	char room[32];
};

static int fd;
static int failures;

static int hcall(int cmd, unsigned long a0, unsigned long a1, unsigned long a2, unsigned long a3)
{
	unsigned long arg[5] = { a0, a1, a2, a3, 0 };

	return ioctl(fd, _IO('X', cmd), arg);
}

static void expect(const char *what, int is, int wanted)
{
	if (is == wanted)
		return;
	printf("    %s: %d (errno %d) instead of %d\n", what, is, errno, wanted);
	failures++;
}

static unsigned int state(unsigned int partition)
{
	struct status status = { .state = 99 };

	expect("XM_partition_get_status",
	       hcall(CTRL_OBJECT, OBJECT(STATUS, partition, 0), 0, (unsigned long)&status, 0), 0);
	return status.state;
}

int main(void)
{
	struct port port = { .portName = "attitude", .maxMsgSize = 64, .direction = 2 };
	long long t0 = -1, t1 = -1;
	char message[64] = "pointing";
	int id;

	fd = open(XMDEV, O_RDWR);
	if (fd < 0) {
		printf("    error: init_libxm  open " XMDEV ": %s\n", strerror(errno));
		return 255;
	}
	expect("XM_PARTITION_SELF", hcall(PARTITION_SELF, 0, 0, 0, 0), 0);
	expect("XM_get_time", hcall(GET_TIME, 0, (unsigned long)&t0, 0, 0), 0);
	usleep(1000);
	expect("XM_get_time", hcall(GET_TIME, 0, (unsigned long)&t1, 0, 0), 0);
	expect("time goes on", t0 >= 0 && t1 > t0, 1);
	expect("XM_get_time of no clock", hcall(GET_TIME, 7, (unsigned long)&t0, 0, 0), -1);
	expect("errno", errno, 2);
	expect("XM_set_timer", hcall(SET_TIMER, 0, 1000000, 0, 0), 0);
	expect("XM_write_console",
	       hcall(WRITE_OBJECT, OBJECT(CONSOLE, 0, 0), (unsigned long)"Hello World!\n", 14, 0),
	       14);
	expect("state", (int)state(1), 1);
	expect("XM_suspend_partition", hcall(SUSPEND_PARTITION, 1, 0, 0, 0), 0);
	expect("state", (int)state(1), 2);
	expect("XM_resume_partition", hcall(RESUME_PARTITION, 1, 0, 0, 0), 0);
	expect("XM_resume_partition again", hcall(RESUME_PARTITION, 1, 0, 0, 0), 0);
	expect("XM_halt_partition", hcall(HALT_PARTITION, 1, 0, 0, 0), 0);
	expect("XM_halt_partition again", hcall(HALT_PARTITION, 1, 0, 0, 0), 0);
	expect("state", (int)state(1), 3);
	expect("XM_reset_partition", hcall(RESET_PARTITION, 1, 0, 0, 0), 0);
	expect("state", (int)state(1), 1);
	id = hcall(CTRL_OBJECT, OBJECT(SAMPLING_PORT, 0, 0), 0, (unsigned long)&port, 0);
	expect("XM_create_sampling_port", id, 0);
	expect("XM_create_sampling_port again",
	       hcall(CTRL_OBJECT, OBJECT(SAMPLING_PORT, 0, 0), 0, (unsigned long)&port, 0), id);
	expect("XM_write_sampling_message",
	       hcall(WRITE_OBJECT, OBJECT(SAMPLING_PORT, 0, id), (unsigned long)message, 64, 0), 0);
	expect("unknown hypercall", hcall(24, 0, 0, 0, 0), -1);
	expect("errno", errno, EINVAL);
	expect("bad pointer", hcall(GET_TIME, 0, 8, 0, 0), -1);
	expect("errno", errno, EFAULT);
	close(fd);
	printf("%s original: a program of 2.4, %zu bits\n", failures ? "FAILED" : "ok",
	       8 * sizeof(long));
	return failures > 0;
}
