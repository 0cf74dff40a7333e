// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A log in a folder of its own, and the commands of xmaudit on it.
 */

#include "tests/xmaudit_rig.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const uint8_t log_key[32] = "the key that is kept elsewhere";

char folder[] = "/tmp/xmaudit-XXXXXX";
char name[64];
struct audit_log whole;
struct xmaudit_options options;
char output[OUTPUT_BYTES];
size_t output_len;
static int saved_stdout;

void rig_setup(void)
{
	cr_assert(mkdtemp(folder));
	snprintf(name, sizeof(name), "%s/audit.jsonl", folder);
	options = (struct xmaudit_options){ .file = name, .n = 10 };
	audit_log_init(&whole, log_key);
}

void rig_teardown(void)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(folder);
	audit_log_free(&whole);
}

/* What a command prints, and how it ends. */
int run(int (*command)(const struct xmaudit_options *))
{
	char path[96];
	int fd, code;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/out", folder);
	fflush(stdout);
	saved_stdout = dup(STDOUT_FILENO);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	cr_assert(fd >= 0 && dup2(fd, STDOUT_FILENO) >= 0);
	code = command(&options);
	fflush(stdout);
	dup2(saved_stdout, STDOUT_FILENO);
	close(saved_stdout);
	n = pread(fd, output, sizeof(output) - 1, 0);
	cr_assert(n >= 0);
	output_len = (size_t)n;
	output[n] = '\0';
	close(fd);
	return code;
}

unsigned int printed_lines(void)
{
	unsigned int n = 0;

	for (const char *p = output; (p = strchr(p, '\n')); p++)
		n++;
	return n;
}

/* Three files with a decision each; a call has its result behind a rotation. */
void write_three(void)
{
	audit_log_start(&whole, "none");
	audit_log_decision(&whole, 1, "XM_get_time", true);
	audit_log_rotate(&whole);
	audit_log_result(&whole);
	audit_log_decision(&whole, 2, "XM_get_time", false);
	audit_log_rotate(&whole);
	audit_log_decision(&whole, 3, "XM_get_time", false);
	audit_log_write(&whole, name);
}
