// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The ledger: counts that outlive the process that counts.  Owns the form of the file.  Must never
 * count twice what a record in the log tells of, drop what none tells of, or trust what a process
 * before us left there.
 */

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "xmbroker/audit_ledger.h"

/* More than can have happened. */
#define COUNT_MAX (UINT64_C(1) << 50)

/* What a kill leaves is what was stored before, in this order. */
#define IN_ORDER() __atomic_signal_fence(__ATOMIC_SEQ_CST)

int audit_ledger_map(int fd, struct audit_ledger **ledgerp)
{
	struct stat st;
	void *map;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size != AUDIT_LEDGER_SIZE)
		return -EINVAL;
	map = mmap(NULL, AUDIT_LEDGER_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	*ledgerp = map;
	return 0;
}

void audit_ledger_unmap(struct audit_ledger *ledger)
{
	if (ledger)
		munmap(ledger, AUDIT_LEDGER_SIZE);
}

/* ---- the steps of writing out ------------------------------------------------------------------------ */

void audit_ledger_note_lost(struct audit_ledger *ledger, uint64_t seq)
{
	ledger->lost_seq = seq;
	IN_ORDER();
}

void audit_ledger_note_slot(struct audit_ledger_slot *slot, uint64_t seq)
{
	slot->seq = seq;
	IN_ORDER();
}

static void settle_one(uint64_t *countp, uint64_t *notedp, uint64_t seq)
{
	if (!*notedp)
		return;
	if (*notedp <= seq)
		*(volatile uint64_t *)countp = 0;
	IN_ORDER();
	*(volatile uint64_t *)notedp = 0;
	IN_ORDER();
}

void audit_ledger_settle(struct audit_ledger *ledger, uint64_t seq)
{
	settle_one(&ledger->lost, &ledger->lost_seq, seq);
	for (unsigned int i = 0; i < AUDIT_LEDGER_SLOTS; i++)
		settle_one(&ledger->slot[i].records, &ledger->slot[i].seq, seq);
}

/* ---- repair ------------------------------------------------------------------------------------------ */

static bool is_text(const char *text, size_t size)
{
	return memchr(text, '\0', size);
}

static bool is_sound(const struct audit_ledger_slot *slot)
{
	return slot->records <= COUNT_MAX && slot->from <= INT64_MAX && slot->allowed <= 1 &&
	       slot->op[0] && is_text(slot->op, sizeof(slot->op)) &&
	       is_text(slot->why, sizeof(slot->why)) && is_text(slot->guard, sizeof(slot->guard)) &&
	       is_text(slot->rule, sizeof(slot->rule));
}

static unsigned int repair_slots(struct audit_ledger *ledger)
{
	unsigned int damaged = 0;

	for (unsigned int i = 0; i < AUDIT_LEDGER_SLOTS; i++) {
		struct audit_ledger_slot *slot = &ledger->slot[i];

		if (slot->records && is_sound(slot))
			continue;
		damaged += slot->records != 0;
		memset(slot, 0, sizeof(*slot));
	}
	return damaged;
}

unsigned int audit_ledger_repair(struct audit_ledger *ledger, uint64_t seq)
{
	unsigned int damaged = 0;

	if (ledger->magic != AUDIT_LEDGER_MAGIC) {
		damaged = ledger->magic != 0;
		memset(ledger, 0, sizeof(*ledger));
		ledger->magic = AUDIT_LEDGER_MAGIC;
		return damaged;
	}
	audit_ledger_settle(ledger, seq);
	if (ledger->lost > COUNT_MAX) {
		ledger->lost = 0;
		damaged++;
	}
	return damaged + repair_slots(ledger);
}
