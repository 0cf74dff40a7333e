// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Binding the clients' socket.  Owns it, its file and the lock.  Must never remove a file that it did
 * not make, nor a socket that somebody still answers on.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "xmbroker/listen.h"
#include "xmbroker/log.h"
#include "xmbroker/notify.h"

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83 /* Linux 6.16 */
#endif

#define BACKLOG 4096

/* The last reference to a descriptor that a client sends and closes is dropped by the server, which
 * then waits where that waits: for hours, if it is a TCP connection that lingers.  So the kernel is
 * asked to refuse them to the sender.  Connections inherit it.  Where it cannot, the server has an
 * undertaker. */
static void keep_descriptors_out(int fd)
{
	int off = 0;

	if (setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof(off)) < 0)
		log_notice("this kernel (before Linux 6.16) lets clients send descriptors: the "
			   "server gets an undertaker");
}

static int fill_address(struct sockaddr_un *address, const char *path)
{
	if (strlen(path) >= sizeof(address->sun_path)) {
		log_error("socket %s: the path is longer than %zu bytes", path,
			  sizeof(address->sun_path) - 1);
		return -ENAMETOOLONG;
	}
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	strcpy(address->sun_path, path);
	return 0;
}

static int make_folder(const char *path)
{
	char folder[PATH_MAX];
	char *slash;

	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (!slash || slash == folder)
		return 0;
	*slash = '\0';
	if (mkdir(folder, 0755) == 0 || errno == EEXIST)
		return 0;
	log_error("cannot make the folder %s: %m", folder);
	return -errno;
}

static void lock_path(const char *path, char name[PATH_MAX])
{
	snprintf(name, PATH_MAX, "%s.lock", path);
}

static bool same_file(int fd, const char *name)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && lstat(name, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

/* The lock counts only if the file that is locked is still the one of that name: whoever stops
 * removes it while holding the lock. */
static int take_lock(const char *path)
{
	char name[PATH_MAX];

	lock_path(path, name);
	for (int i = 0; i < 10; i++) {
		int fd = open(name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
		int error;

		if (fd < 0) {
			error = errno;
			log_error("cannot open the lock file %s: %m", name);
			return -error;
		}
		error = flock(fd, LOCK_EX | LOCK_NB) < 0 ? errno : 0;
		if (!error && same_file(fd, name))
			return fd;
		close(fd);
		if (error == EWOULDBLOCK) {
			log_error("already running: another xmbroker holds %s", name);
			return -EADDRINUSE;
		}
		if (error) {
			log_error("cannot lock %s: %s", name, strerror(error));
			return -error;
		}
	}
	log_error("cannot lock %s: it is replaced again and again", name);
	return -EAGAIN;
}

static bool answers(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r, error;

	if (fd < 0)
		return true;
	r = connect(fd, (const struct sockaddr *)address, sizeof(*address));
	error = errno;
	close(fd);
	return r == 0 || error != ECONNREFUSED;
}

/* Removes what an xmbroker that was killed left behind. */
static int clear_stale(const struct sockaddr_un *address)
{
	const char *path = address->sun_path;
	struct stat st;

	if (lstat(path, &st) < 0) {
		if (errno == ENOENT)
			return 0;
		log_error("cannot see what is at %s: %m", path);
		return -EIO;
	}
	if (!S_ISSOCK(st.st_mode) || st.st_uid != geteuid()) {
		log_error("%s is in the way: it is not a socket of ours", path);
		return -EEXIST;
	}
	if (answers(address)) {
		log_error("already running: somebody answers on %s", path);
		return -EADDRINUSE;
	}
	log_notice("replacing the stale socket %s", path);
	if (unlink(path) == 0)
		return 0;
	log_error("cannot remove %s: %m", path);
	return -EIO;
}

static int bind_path(struct listen *self, const struct sockaddr_un *address)
{
	/* Everybody may connect: who may do what is the policy's business. */
	mode_t old = umask(0111);
	int r = bind(self->fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;
	struct stat st;

	umask(old);
	if (r < 0)
		return r;
	if (lstat(address->sun_path, &st) < 0)
		return -errno;
	self->dev = st.st_dev;
	self->ino = st.st_ino;
	self->bound = true;
	return listen(self->fd, BACKLOG) < 0 ? -errno : 0;
}

static int open_path(struct listen *self, const char *path)
{
	struct sockaddr_un address;
	int r = fill_address(&address, path);

	if (r == 0)
		r = make_folder(path);
	if (r < 0)
		return r;
	self->lock = take_lock(path);
	if (self->lock < 0)
		return self->lock;
	r = clear_stale(&address);
	if (r < 0)
		return r;
	self->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (self->fd >= 0)
		keep_descriptors_out(self->fd);
	r = self->fd < 0 ? -errno : bind_path(self, &address);
	if (r < 0)
		log_error("cannot listen on %s: %s", path, strerror(-r));
	return r;
}

int listen_open(struct listen *self, const char *path)
{
	int r = notify_take_socket(&self->fd);

	self->path = path;
	if (r < 0)
		log_error("the service manager passed something else than one listening "
			  "seqpacket socket (ListenSequentialPacket=)");
	if (r > 0)
		keep_descriptors_out(self->fd);
	if (r != 0)
		return r < 0 ? r : 0;
	r = open_path(self, path);
	if (r < 0)
		listen_close(self);
	return r;
}

void listen_remove(struct listen *self)
{
	struct stat st;

	if (!self->bound)
		return;
	self->bound = false;
	if (lstat(self->path, &st) < 0 || st.st_dev != self->dev || st.st_ino != self->ino)
		return;
	if (unlink(self->path) < 0)
		log_warning("cannot remove %s: %m", self->path);
}

void listen_close(struct listen *self)
{
	char name[PATH_MAX];

	listen_remove(self);
	if (self->fd >= 0)
		close(self->fd);
	if (self->lock >= 0) {
		lock_path(self->path, name);
		if (unlink(name) < 0)
			log_warning("cannot remove %s: %m", name);
		close(self->lock);
	}
	self->fd = self->lock = -1;
}
