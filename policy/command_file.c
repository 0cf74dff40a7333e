// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Files that xmpolicy writes.  Must never leave half of one, nor take away what it could not replace.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/command.h"

static int write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static mode_t default_mode(void)
{
	mode_t mask = umask(077);

	umask(mask);
	return 0666 & ~mask;
}

/* As the file that is replaced; 0, or -errno. */
static int set_mode(int fd, const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return errno == ENOENT && !fchmod(fd, default_mode()) ? 0 : -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (fchown(fd, st.st_uid, st.st_gid) && errno != EPERM)
		return -errno;
	return fchmod(fd, st.st_mode & 07777) ? -errno : 0;
}

static int sync_folder(const char *path)
{
	char *folder = strdup(path);
	char *slash = folder ? strrchr(folder, '/') : NULL;
	int fd, ret;

	if (!folder)
		return -ENOMEM;
	if (slash)
		slash[slash == folder] = '\0';
	fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(folder);
	if (fd < 0)
		return -errno;
	ret = fsync(fd) && errno != EINVAL ? -errno : 0;
	close(fd);
	return ret;
}

static int fill(int fd, const char *path, const void *data, size_t len)
{
	int ret = write_all(fd, data, len);

	if (!ret)
		ret = set_mode(fd, path);
	if (!ret && fsync(fd))
		ret = -errno;
	return ret;
}

static int replace(const char *path, const void *data, size_t len)
{
	char *temporary = NULL;
	int fd, ret;

	if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
		return -ENOMEM;
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0) {
		ret = -errno;
		free(temporary);
		return ret;
	}
	ret = fill(fd, path, data, len);
	if (close(fd) && !ret)
		ret = -errno;
	if (!ret && rename(temporary, path))
		ret = -errno;
	if (ret)
		unlink(temporary);
	free(temporary);
	return ret ? ret : sync_folder(path);
}

int command_write(const char *path, const void *data, size_t len)
{
	char *real = NULL;
	int ret;

	if (!path || !strcmp(path, "-")) {
		path = "standard output";
		ret = fwrite(data, 1, len, stdout) == len && !fflush(stdout) ? 0 : -errno;
	} else {
		real = realpath(path, NULL);
		ret = !real && errno != ENOENT ? -errno : replace(real ? real : path, data, len);
	}
	if (ret)
		fprintf(stderr, "xmpolicy: cannot write %s: %s\n", path, strerror(-ret));
	free(real);
	return ret;
}
