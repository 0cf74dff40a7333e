/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_BOX_LANDLOCK_H
#define XMBROKER_BOX_LANDLOCK_H

/* Landlock's interface, as far as it is used: the headers of Debian 12 end with its second version. */

#include <stdint.h>

enum {
	LANDLOCK_EXECUTE,
	LANDLOCK_WRITE_FILE,
	LANDLOCK_READ_FILE,
	LANDLOCK_READ_DIR,
	LANDLOCK_REMOVE_DIR,
	LANDLOCK_REMOVE_FILE,
	LANDLOCK_MAKE_CHAR,
	LANDLOCK_MAKE_DIR,
	LANDLOCK_MAKE_REG,
	LANDLOCK_MAKE_SOCK,
	LANDLOCK_MAKE_FIFO,
	LANDLOCK_MAKE_BLOCK,
	LANDLOCK_MAKE_SYM,
	LANDLOCK_REFER,     /* version 2 */
	LANDLOCK_TRUNCATE,  /* 3 */
	LANDLOCK_IOCTL_DEV, /* 5 */
};

#define LANDLOCK_FS(name) (1ull << LANDLOCK_##name)
#define LANDLOCK_FS_UP_TO(name) (2 * LANDLOCK_FS(name) - 1)
/* What a rule about a file that is no folder may allow. */
#define LANDLOCK_FS_OF_FILES                                                                       \
	(LANDLOCK_FS(EXECUTE) | LANDLOCK_FS(WRITE_FILE) | LANDLOCK_FS(READ_FILE) |                 \
	 LANDLOCK_FS(TRUNCATE) | LANDLOCK_FS(IOCTL_DEV))

#define LANDLOCK_NET_ALL 3u         /* version 4: bind and connect of TCP */
#define LANDLOCK_SCOPED_ABSTRACT 1u /* 6 */
#define LANDLOCK_SCOPED_SIGNALS 2u  /* 6 */
#define LANDLOCK_VERSION_FLAG 1u    /* landlock_create_ruleset(): which version */
#define LANDLOCK_BENEATH 1          /* kind of a rule */

struct landlock_ruleset {
	uint64_t fs;
	uint64_t net;    /* from version 4 on */
	uint64_t scoped; /* from version 6 on */
};

struct landlock_beneath {
	uint64_t allowed;
	int32_t parent;
} __attribute__((packed));

#endif
