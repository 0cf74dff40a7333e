/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR LGPL-2.1-or-later */
/*
 * /dev/xmctl: hypercalls of the partition that Linux runs in, for one program.  See xmctl(4).
 *
 * Two interfaces.  The original one: ioctl(fd, _IO('X', number), block) with the address of five
 * unsigned longs, whose result is the code of the hypervisor; _IO('X', NR_HYPERCALLS) is the own
 * partition.  The versioned one: the four requests below, all fields of fixed width, the same for
 * 32-bit and 64-bit programs.
 */

#ifndef _UAPI_XM_XMCTL_H
#define _UAPI_XM_XMCTL_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define XMCTL_VERSION 1

#define XMCTL_WORDS 5
#define XMCTL_MASK_BYTES 32
#define XMCTL_BUFFERS 4
#define XMCTL_NAME_BYTES 32 /* room for the name of a port, partition or plan, its NUL included */

/* xmctl_info.profile: whose numbers, codes and structures these are. */
#define XMCTL_PROFILE_2_4 1
#define XMCTL_PROFILE_2_6 2
#define XMCTL_PROFILE_3_X 3
#define XMCTL_PROFILE_PRTOS 4

/* xmctl_info.layout: the structures in buffers of XMCTL_CALL are those of such a compiler. */
#define XMCTL_LAYOUT_LP64 0
#define XMCTL_LAYOUT_I386 1  /* 32 bits, 64-bit integers aligned to 4 */
#define XMCTL_LAYOUT_ILP32 2 /* 32 bits, 64-bit integers aligned to 8 */

/* xmctl_info.flags */
#define XMCTL_INFO_DERIVED 0x1 /* this descriptor came out of XMCTL_DERIVE */
#define XMCTL_INFO_EVENTS 0x2  /* read() and poll() deliver virtual interrupts */

/* xmctl_info.partition, when the hypervisor does not say and nobody has told the module */
#define XMCTL_PARTITION_UNKNOWN 0xffffffffU

/**
 * struct xmctl_info - what is behind a descriptor
 * @version: XMCTL_VERSION; a later version has what this one has
 * @profile: XMCTL_PROFILE_...
 * @partition: the own partition
 * @n_hypercalls: how many hypercalls the profile has
 * @flags: XMCTL_INFO_...; others may be set in later versions
 * @layout: XMCTL_LAYOUT_...
 * @data_max: most bytes of one buffer
 * @reserved: 0
 * @conduit: the way to the hypervisor: "loopback", "hvc", ...; ends with a NUL
 * @mask: what may be called through this descriptor, as in struct xmctl_derive
 */
struct xmctl_info {
	__u32 version;
	__u32 profile;
	__u32 partition;
	__u32 n_hypercalls;
	__u32 flags;
	__u32 layout;
	__u32 data_max;
	__u32 reserved;
	char conduit[16];
	__u8 mask[XMCTL_MASK_BYTES];
};

/* xmctl_buffer.flags */
#define XMCTL_BUFFER_IN 0x1  /* the hypervisor reads it */
#define XMCTL_BUFFER_OUT 0x2 /* the hypervisor writes it */

/**
 * struct xmctl_buffer - memory of the caller that a hypercall works on
 * @address: where it is; not 0
 * @length: its size in bytes: that of the structure, what the length argument of the call says,
 *	or for a name 1 to XMCTL_NAME_BYTES with a NUL among them
 * @word: which of the five words would point to it
 * @depth: 0, or how many pointers lie between: what the word points to holds a pointer to a
 *	buffer of depth 1.  That field has to be 0 in the buffer that holds it
 * @flags: XMCTL_BUFFER_IN, XMCTL_BUFFER_OUT or both
 *
 * The hypervisor never sees this memory: the device copies.
 */
struct xmctl_buffer {
	__u64 address;
	__u32 length;
	__u8 word;
	__u8 depth;
	__u16 flags;
};

/* xmctl_call.status */
#define XMCTL_STATUS_ISSUED 0x1 /* the hypervisor was called, and @result is what it said */

/**
 * struct xmctl_call - one hypercall
 * @flags: 0
 * @number: of the hypercall, in the profile of the hypervisor
 * @operation: which operation this is, by its number in xm_hypercalls(7): must be the one that
 *	number, object class and command make it
 * @n_buffers: how many of @buffers are in use; the others are 0
 * @result: out: code or value of the hypervisor, valid if XMCTL_STATUS_ISSUED is set
 * @status: out: XMCTL_STATUS_...; 0 on every failure before the hypervisor was called
 * @args: the words; 0 where a word is a pointer, and where the call has none.  64-bit values
 *	(times) are one word each, whatever the hypervisor wants
 * @buffers: one for each pointer of the call, in any order; left out where the call may have NULL
 *
 * The ioctl is 0 when the hypervisor was called, whatever it said, and all was copied back.
 */
struct xmctl_call {
	__u32 flags;
	__u32 number;
	__u32 operation;
	__u32 n_buffers;
	__s32 result;
	__u32 status;
	__u64 args[XMCTL_WORDS];
	struct xmctl_buffer buffers[XMCTL_BUFFERS];
};

/* xmctl_derive.flags */
#define XMCTL_DERIVE_EVENTS 0x1 /* read() and poll() work on the new descriptor, as on this one */

/**
 * struct xmctl_derive - a set of operations
 * @flags: XMCTL_DERIVE_...; 0 for XMCTL_NARROW
 * @reserved: 0
 * @mask: bit n % 8 of byte n / 8 is the operation of number n in xm_hypercalls(7)
 */
struct xmctl_derive {
	__u32 flags;
	__u32 reserved;
	__u8 mask[XMCTL_MASK_BYTES];
};

/* What is behind this descriptor. */
#define XMCTL_INFO _IOR('X', 128, struct xmctl_info)
/*
 * One hypercall.  EPERM: not with this descriptor.  ECONNRESET: it was issued, and stops the own
 * partition or the system, so that nobody is there to say what came of it.
 */
#define XMCTL_CALL _IOWR('X', 129, struct xmctl_call)
/* A new descriptor (close-on-exec) for what is in the mask and may be called through this one. */
#define XMCTL_DERIVE _IOW('X', 130, struct xmctl_derive)
/* Takes all that is not in the mask away from a derived descriptor and its duplicates. */
#define XMCTL_NARROW _IOW('X', 131, struct xmctl_derive)

/*
 * read() of 8 bytes or more takes the virtual interrupts that have come since the last one: a
 * __u64, the extended ones in its low half, those of the hardware in its high half.
 */

#endif
