/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XMCTL_H
#define XMCTL_H

/*
 * Between the files of the module: what a hypercall looks like (table.c), the memory of the caller
 * (caller.c) and that which the hypervisor sees (bounce.c), what a descriptor may (node.c), virtual
 * interrupts (events.c), the two interfaces (original.c, versioned.c), and the ways to a hypervisor
 * (conduit_*.c).
 */

#include <linux/atomic.h>
#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>

#include <xm/uapi/xmctl.h>

#define XMCTL_DATA_MAX 65536U
#define XMCTL_PARTS 4

/* ---- table.c -------------------------------------------------------------------------------- */

enum xmctl_layout {
	XMCTL_LP64 = XMCTL_LAYOUT_LP64,
	XMCTL_I386 = XMCTL_LAYOUT_I386,
	XMCTL_ILP32 = XMCTL_LAYOUT_ILP32,
	XMCTL_N_LAYOUTS
};

/* A number in a structure, in each layout. */
struct xmctl_place {
	u16 offset[XMCTL_N_LAYOUTS];
	u8 size[XMCTL_N_LAYOUTS];
};

enum xmctl_kind {
	XMCTL_FIXED,   /* a structure or a number */
	XMCTL_NAME,    /* a string */
	XMCTL_BYTES,   /* as many as a word says */
	XMCTL_RECORDS, /* structures; a word has their size, or a field their number */
};

/**
 * struct xmctl_part - memory that a call works on
 * @parent: the part that has the pointer to it, or -1: a word has
 * @word: the word with the first pointer on the way to it
 * @depth: how many more pointers there are on that way
 * @kind: what it is
 * @in: the hypervisor reads it
 * @out: the hypervisor writes it
 * @optional: there may be none
 * @by_result: the hypervisor returns how many bytes of it are good
 * @length_word: the word with its size in bytes, or -1
 * @count_in: the part with the field that says how many records there are, or -1
 * @count_size: bytes of that field
 * @count_at: where it is
 * @at: where in @parent the pointer is
 * @size: of the structure, or of one of them
 * @n_places: how many @places there are
 * @places: all of the structure that travels
 */
struct xmctl_part {
	s8 parent;
	u8 word;
	u8 depth;
	u8 kind;
	bool in, out, optional, by_result;
	s8 length_word;
	s8 count_in;
	u8 count_size;
	u16 count_at[XMCTL_N_LAYOUTS];
	u16 at[XMCTL_N_LAYOUTS];
	u16 size[XMCTL_N_LAYOUTS];
	u8 n_places;
	const struct xmctl_place *places;
};

enum xmctl_word {
	XMCTL_WORD_NONE, /* always 0 */
	XMCTL_WORD_U8,
	XMCTL_WORD_U16,
	XMCTL_WORD_U32,
	XMCTL_WORD_FULL,
	XMCTL_WORD_PART, /* the address of a part */
	XMCTL_WORD_SIZE, /* the size in bytes of part @sized */
};

enum xmctl_result {
	XMCTL_RESULT_VALUE,
	XMCTL_RESULT_BYTES, /* of part @sized */
};

/* Who may make the call at all. */
enum xmctl_leave {
	XMCTL_LEAVE_NEVER,     /* its address would be the caller's */
	XMCTL_LEAVE_MACHINE,   /* it changes the processor below the kernel: parameter "machine" */
	XMCTL_LEAVE_VERSIONED, /* the original driver did not have it */
	XMCTL_LEAVE_ORIGINAL,
};

/**
 * struct xmctl_rule - a hypercall, or one command of it for one class of objects
 * @number: of the hypercall
 * @class: of the descriptor in the first word, or -1: there is none
 * @command: in the second word, or -1: any
 * @hypervisor: 1: the descriptor is the hypervisor's, 0: a partition's, -1: anybody's
 * @operation: bit of the mask
 * @leave: enum xmctl_leave
 * @times: the words after the first are 64-bit numbers, whatever size a word has
 * @result: enum xmctl_result
 * @words: enum xmctl_word of each
 * @sized: the part whose size a word has, or -1
 * @select_bits: not 0: if so many bits of the first part are @selected, the next rule is meant
 * @select_shift: from which bit of the 32-bit word on
 * @select_at: which is there
 * @selected: what they are
 * @n_parts: how many @parts there are
 * @parts: parents first
 */
struct xmctl_rule {
	u32 number;
	s16 class;
	s32 command;
	s8 hypervisor;
	u8 operation;
	u8 leave;
	bool times;
	u8 result;
	u8 words[XMCTL_WORDS];
	s8 sized;
	u8 select_bits;
	u8 select_shift;
	u16 select_at[XMCTL_N_LAYOUTS];
	u32 selected;
	u8 n_parts;
	const struct xmctl_part *parts;
};

struct xmctl_profile {
	const char *name;
	u32 profile;
	u32 n_hypercalls;
	u32 n_classes;
	u32 class_shift;
	u32 class_bits;
	const struct xmctl_rule *rules;
	size_t n_rules;
};

const struct xmctl_profile *xmctl_profile_by_name(const char *name);
const struct xmctl_profile *xmctl_profile_by_id(u32 id);
const struct xmctl_rule *xmctl_classify(const struct xmctl_profile *profile, u32 number,
					const u64 words[XMCTL_WORDS]);
const struct xmctl_rule *xmctl_rule_of(const struct xmctl_profile *profile, u32 operation);

/* ---- conduit_*.c ---------------------------------------------------------------------------- */

/**
 * struct xmctl_conduit - a way to a hypervisor
 * @name: for the parameter "conduit"
 * @profile: what it speaks unless the parameter "profile" says otherwise
 * @blind: may be tried where no hypervisor is, and then comes to no harm
 * @physical: the hypervisor wants addresses of physical memory
 * @events: delivers virtual interrupts
 * @open: 0 if there is a hypervisor, -ENODEV if not, or another error; @named: it was asked for
 * @close: undoes @open; may be missing
 * @call: one hypercall.  Only ever called by one at a time
 * @partition: the own partition, or a negative error; may be missing
 * @lost: whether the last call has no outcome, but would not have come back; may be missing
 */
struct xmctl_conduit {
	const char *name;
	u32 profile;
	bool blind;
	bool physical;
	bool events;
	int (*open)(const struct xmctl_profile *profile, bool named);
	void (*close)(void);
	s32 (*call)(u32 number, const unsigned long words[XMCTL_WORDS]);
	int (*partition)(void);
	bool (*lost)(void);
};

extern const struct xmctl_conduit xmctl_conduit_loopback;
extern const struct xmctl_conduit xmctl_conduit_x86_farcall;
extern const struct xmctl_conduit xmctl_conduit_x86_vmcall;
extern const struct xmctl_conduit xmctl_conduit_arm64_hvc;
extern const struct xmctl_conduit xmctl_conduit_riscv_ecall;

/* Selector of the call gate, for the far call. */
extern ushort xmctl_gate;

/* partition.c */
int xmctl_ask_partition(void);

/* ---- caller.c, bounce.c --------------------------------------------------------------------- */

/**
 * struct xmctl_zone - where a part is, and what it is a copy of
 * @user: the caller's memory, or NULL: there is none
 * @described: bytes there, as the caller says
 * @length: bytes there, as the table says
 * @count: of records; 1 for all else
 * @copy: what is there, in the caller's layout; NULL if @user is
 * @hv: what the hypervisor sees; NULL: a pointer that is NULL
 * @came: how much of @copy the hypervisor wrote: records, or bytes
 */
struct xmctl_zone {
	void __user *user;
	u32 described;
	u32 length;
	u32 count;
	void *copy;
	void *hv;
	u32 came;
};

/**
 * struct xmctl_request - one hypercall on its way
 * @rule: what it is
 * @operation: what it has to be, or 0: whatever the rule says
 * @layout: of the caller's structures
 * @words: of the caller, copied once
 * @buffers: what pointers there are, copied once; NULL: they are in @words and in structures
 * @n_buffers: how many
 * @n_used: how many of them the rule has
 * @zones: of each part of the rule
 * @issued: the hypervisor was called
 * @lost: and would not have come back
 * @result: what it said
 */
struct xmctl_request {
	const struct xmctl_rule *rule;
	u32 operation;
	enum xmctl_layout layout;
	u64 words[XMCTL_WORDS];
	const struct xmctl_buffer *buffers;
	u32 n_buffers;
	u32 n_used;
	struct xmctl_zone zones[XMCTL_PARTS];
	bool issued;
	bool lost;
	s32 result;
};

int xmctl_caller_in(struct xmctl_request *req);
bool xmctl_caller_selected(const struct xmctl_request *req);
int xmctl_caller_out(struct xmctl_request *req);
void xmctl_caller_free(struct xmctl_request *req);

int xmctl_bounce_init(void);
void xmctl_bounce_exit(void);
void *xmctl_bounce_memory(void);
unsigned long xmctl_bounce_address(const void *zone);
int xmctl_bounce_in(struct xmctl_request *req, unsigned long words[XMCTL_WORDS]);
void xmctl_bounce_out(struct xmctl_request *req);
void xmctl_bounce_wipe(void);

/* ---- words.c, places.c ---------------------------------------------------------------------- */

int xmctl_words_check(struct xmctl_request *req);
void xmctl_words_set(const struct xmctl_request *req, unsigned long words[XMCTL_WORDS]);
unsigned int xmctl_pointer_size(enum xmctl_layout layout);
u64 xmctl_load(const void *at, unsigned int size);
void xmctl_store(void *at, unsigned int size, u64 number);
void xmctl_places_in(const struct xmctl_part *part, const struct xmctl_zone *zone,
		     enum xmctl_layout from);
void xmctl_places_out(const struct xmctl_part *part, const struct xmctl_zone *zone,
		      enum xmctl_layout to);
int xmctl_places_give(const struct xmctl_part *part, const struct xmctl_zone *zone,
		      enum xmctl_layout layout);

/* ---- node.c --------------------------------------------------------------------------------- */

/**
 * struct xmctl_node - what a descriptor may
 * @refs: its file and the nodes derived from it
 * @parent: what it was derived from, which it never exceeds; NULL: the device itself
 * @depth: how many are above
 * @mask: bits of operations; what counts is what this and all above have
 * @events: delivers virtual interrupts
 * @link: in the list of those that do
 * @pending: virtual interrupts that nobody has read
 */
struct xmctl_node {
	struct kref refs;
	struct xmctl_node *parent;
	unsigned int depth;
	u8 mask[XMCTL_MASK_BYTES];
	bool events;
	struct list_head link;
	atomic64_t pending;
};

struct xmctl_node *xmctl_node_claim(void);
struct xmctl_node *xmctl_node_derive(struct xmctl_node *parent, const struct xmctl_derive *arg);
void xmctl_node_put(struct xmctl_node *node);
bool xmctl_node_may(const struct xmctl_node *node, u32 operation);
void xmctl_node_mask(const struct xmctl_node *node, u8 mask[XMCTL_MASK_BYTES]);
int xmctl_node_narrow(struct xmctl_node *node, const struct xmctl_derive *arg);

/* ---- events.c ------------------------------------------------------------------------------- */

void xmctl_events_add(struct xmctl_node *node);
void xmctl_events_remove(struct xmctl_node *node);
void xmctl_events_deliver(u64 interrupts);
void xmctl_events_cancel(u64 interrupts);
ssize_t xmctl_events_read(struct file *file, char __user *buf, size_t len, loff_t *pos);
__poll_t xmctl_events_poll(struct file *file, struct poll_table_struct *wait);

/* ---- original.c, versioned.c, file.c, main.c ------------------------------------------------- */

long xmctl_original(struct xmctl_node *node, unsigned int cmd, unsigned long arg);
#ifdef CONFIG_COMPAT
long xmctl_original_compat(struct xmctl_node *node, unsigned int cmd, unsigned long arg);
#endif
long xmctl_versioned_info(struct xmctl_node *node, void __user *arg);
long xmctl_versioned_call(struct xmctl_node *node, void __user *arg);
long xmctl_versioned_derive(struct xmctl_node *node, const void __user *arg);
long xmctl_versioned_narrow(struct xmctl_node *node, const void __user *arg);
int xmctl_issue(const struct xmctl_node *node, struct xmctl_request *req);

extern const struct file_operations xmctl_fops;

/**
 * struct xmctl_device - the one device
 * @lock: held during a hypercall, and while what a descriptor may is looked at or changed; never
 *	while memory of a program is touched, which might make it wait for as long as it likes
 * @conduit: the way to the hypervisor
 * @profile: whose numbers and structures it speaks
 * @layout: of its structures, which is the kernel's own
 * @partition: the own one, or XMCTL_PARTITION_UNKNOWN
 * @machine: calls of XMCTL_LEAVE_MACHINE may be made
 * @busy: the node has been opened, and not all that came of it is closed
 */
struct xmctl_device {
	struct mutex lock; /* see above */
	const struct xmctl_conduit *conduit;
	const struct xmctl_profile *profile;
	enum xmctl_layout layout;
	u32 partition;
	bool machine;
	atomic_t busy;
};

extern struct xmctl_device xmctl_device;

/* How the compiler of this kernel lays out structures. */
#if defined(CONFIG_64BIT)
#define XMCTL_KERNEL_LAYOUT XMCTL_LP64
#elif defined(CONFIG_X86)
#define XMCTL_KERNEL_LAYOUT XMCTL_I386
#else
#define XMCTL_KERNEL_LAYOUT XMCTL_ILP32
#endif

#endif
