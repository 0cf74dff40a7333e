// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Folding: denials that are counted in the ledger instead of recorded one by one, and the records that
 * tell of the counts.  Owns which denials share a slot.  Must never count one in no slot or in two.
 *
 * Denials of one sort (user, operation, why, rule, guard) have a slot.  When there is none left they
 * are counted together with others of the user, and when there is none for the user either, with those
 * of everybody.
 */

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "xmbroker/audit_internal.h"

#define N_SORTS (AUDIT_LEDGER_USERS - AUDIT_LEDGER_SORTS)
#define N_USERS (AUDIT_LEDGER_EVERYBODY - AUDIT_LEDGER_USERS)
#define PROBES 16 /* slots that are looked at for a sort */

#define IN_ORDER() __atomic_signal_fence(__ATOMIC_SEQ_CST)

/* ---- counting ---------------------------------------------------------------------------------------- */

static uint32_t mix(uint32_t h, uint32_t value)
{
	h = (h ^ value) * 2654435761u;
	return h ^ h >> 15;
}

static uint32_t hash(const struct audit_fold_key *key)
{
	uint32_t h = mix(mix(mix(0, key->uid), key->op), key->rule);

	return mix(mix(h, key->generation), (uint32_t)key->guard);
}

static bool same(const struct audit_fold_key *a, const struct audit_fold_key *b)
{
	return a->why && a->uid == b->uid && a->op == b->op && a->rule == b->rule &&
	       a->generation == b->generation && a->guard == b->guard && a->allowed == b->allowed &&
	       !strcmp(a->why, b->why);
}

static void count(struct audit_ledger_slot *slot)
{
	*(volatile uint64_t *)&slot->records += 1;
}

/* The texts are in place: this makes the slot count. */
static void begin_slot(struct audit_ledger_slot *slot, uint32_t uid)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	slot->from = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	slot->uid = uid;
	IN_ORDER();
	count(slot);
}

#define COPY(array, string) snprintf((array), sizeof(array), "%s", (string))

static void fill_in(struct audit_ledger_slot *slot, const struct audit_decision *decision)
{
	memset(slot, 0, sizeof(*slot));
	COPY(slot->op, xm_ops[decision->req->op].name);
	COPY(slot->why, decision->why);
	if (decision->guard >= 0)
		COPY(slot->guard, xm_code_name((unsigned int)decision->guard));
	slot->allowed = decision->allowed;
	audit_rule_place(decision->image, decision->rule, slot->rule, sizeof(slot->rule));
	begin_slot(slot, decision->who->uid);
}

static bool fold_sort(struct audit *audit, const struct audit_decision *decision)
{
	const struct audit_fold_key key = { decision->who->uid, decision->req->op,
					    decision->rule,     decision->generation,
					    decision->guard,    decision->allowed,
					    decision->why };
	unsigned int home = hash(&key);
	int free_slot = -1;

	for (unsigned int i = 0; i < PROBES; i++) {
		unsigned int at = AUDIT_LEDGER_SORTS + (home + i) % N_SORTS;
		struct audit_ledger_slot *slot = &audit->ledger->slot[at];

		if (!slot->records) {
			free_slot = free_slot < 0 ? (int)at : free_slot;
		} else if (same(&audit->key[at], &key)) {
			count(slot);
			return true;
		}
	}
	if (free_slot < 0)
		return false;
	audit->key[free_slot] = key;
	fill_in(&audit->ledger->slot[free_slot], decision);
	return true;
}

static void fill_in_several(struct audit *audit, unsigned int at, uint32_t uid)
{
	static const struct audit_fold_key several = { .why = "*" };
	struct audit_ledger_slot *slot = &audit->ledger->slot[at];

	audit->key[at] = several;
	memset(slot, 0, sizeof(*slot));
	COPY(slot->op, "*");
	COPY(slot->why, "*");
	begin_slot(slot, uid);
}

/* What another process counted for the user is added to: the record says that it was interrupted. */
static bool fold_user(struct audit *audit, uint32_t uid)
{
	int free_slot = -1;

	for (unsigned int i = 0; i < N_USERS; i++) {
		unsigned int at = AUDIT_LEDGER_USERS + (mix(0, uid) + i) % N_USERS;
		struct audit_ledger_slot *slot = &audit->ledger->slot[at];

		if (!slot->records) {
			free_slot = free_slot < 0 ? (int)at : free_slot;
		} else if (slot->uid == uid) {
			count(slot);
			return true;
		}
	}
	if (free_slot < 0)
		return false;
	fill_in_several(audit, (unsigned int)free_slot, uid);
	return true;
}

void audit_fold(struct audit *audit, const struct audit_decision *decision)
{
	struct audit_ledger_slot *everybody = &audit->ledger->slot[AUDIT_LEDGER_EVERYBODY];

	audit->count.folded++;
	if (fold_sort(audit, decision) || fold_user(audit, decision->who->uid))
		return;
	if (everybody->records)
		count(everybody);
	else
		fill_in_several(audit, AUDIT_LEDGER_EVERYBODY, 0);
}

/* ---- telling ----------------------------------------------------------------------------------------- */

static void put_sort(struct text *t, const struct audit_ledger_slot *slot, bool everybody)
{
	bool several = !strcmp(slot->op, "*");

	if (everybody)
		AUDIT_TEXT(t, "uid", "*");
	else
		AUDIT_NUMBER(t, "uid", slot->uid);
	AUDIT_TEXT(t, "op", slot->op);
	AUDIT_TEXT(t, "decision", several ? "*" : slot->allowed ? "allow" : "deny");
	AUDIT_TEXT(t, "why", slot->why);
	if (slot->rule[0])
		AUDIT_TEXT(t, "rule", slot->rule);
	if (slot->guard[0])
		AUDIT_TEXT(t, "guard", slot->guard);
}

static int tell(struct audit *audit, unsigned int at)
{
	struct audit_ledger_slot *slot = &audit->ledger->slot[at];
	struct text t = audit_begin(audit, "folded");

	if (audit->blocked)
		return audit->blocked;
	put_sort(&t, slot, at == AUDIT_LEDGER_EVERYBODY);
	AUDIT_NUMBER(&t, "records", slot->records);
	AUDIT_NUMBER(&t, "from", slot->from);
	if (!audit->key[at].why)
		AUDIT_PUT(&t, ",\"interrupted\":true");
	audit_ledger_note_slot(slot, audit_next_seq(audit));
	audit->noted = true;
	return audit_finish(audit, &t, 0, false);
}

int audit_flush_folds(struct audit *audit)
{
	int r = 0, end;

	if (audit->fd < 0 || audit->in_run)
		return 0;
	audit_run_begin(audit);
	for (unsigned int i = 0; i < AUDIT_LEDGER_SLOTS && r == 0; i++)
		if (audit->ledger->slot[i].records)
			r = tell(audit, i);
	end = audit_run_end(audit);
	return r < 0 ? r : end;
}
