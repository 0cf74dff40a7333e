// SPDX-License-Identifier: GPL-2.0-only
/*
 * Structures in the layouts of two compilers: number by number, at the places that the table says.
 * What lies between them does not travel.  Must never read or write anywhere else.
 */

#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "xmctl.h"

/**
 * xmctl_pointer_size() - bytes of a pointer
 * @layout: of whom
 *
 * Return: 4 or 8.
 */
unsigned int xmctl_pointer_size(enum xmctl_layout layout)
{
	return layout == XMCTL_LP64 ? 8 : 4;
}

/**
 * xmctl_load() - a number in memory of any alignment
 * @at: where
 * @size: 1, 2, 4 or 8 bytes
 *
 * Return: the number.
 */
u64 xmctl_load(const void *at, unsigned int size)
{
	u64 number = 0;
	u32 word;
	u16 half;

	switch (size) {
	case 1:
		return *(const u8 *)at;
	case 2:
		memcpy(&half, at, sizeof(half));
		return half;
	case 4:
		memcpy(&word, at, sizeof(word));
		return word;
	default:
		memcpy(&number, at, sizeof(number));
		return number;
	}
}

/**
 * xmctl_store() - puts a number there
 * @at: where
 * @size: 1, 2, 4 or 8 bytes
 * @number: what is too much for them is lost
 */
void xmctl_store(void *at, unsigned int size, u64 number)
{
	u32 word = (u32)number;
	u16 half = (u16)number;

	switch (size) {
	case 1:
		*(u8 *)at = (u8)number;
		break;
	case 2:
		memcpy(at, &half, sizeof(half));
		break;
	case 4:
		memcpy(at, &word, sizeof(word));
		break;
	default:
		memcpy(at, &number, sizeof(number));
	}
}

/**
 * xmctl_places_in() - makes the hypervisor's structures of the caller's
 * @part: what they are
 * @zone: where both are
 * @from: the caller's layout
 */
void xmctl_places_in(const struct xmctl_part *part, const struct xmctl_zone *zone,
		     enum xmctl_layout from)
{
	const enum xmctl_layout to = xmctl_device.layout;
	u32 i, p;

	for (i = 0; i < zone->count; i++)
		for (p = 0; p < part->n_places; p++) {
			const struct xmctl_place *place = &part->places[p];
			const void *source = zone->copy + i * part->size[from];
			void *target = zone->hv + i * part->size[to];
			u64 number;

			number = xmctl_load(source + place->offset[from], place->size[from]);
			xmctl_store(target + place->offset[to], place->size[to], number);
		}
}

/**
 * xmctl_places_out() - makes the caller's structures of what the hypervisor put into its own
 * @part: what they are
 * @zone: where both are, and how many came
 * @to: the caller's layout
 */
void xmctl_places_out(const struct xmctl_part *part, const struct xmctl_zone *zone,
		      enum xmctl_layout to)
{
	const enum xmctl_layout from = xmctl_device.layout;
	u32 i, p;

	for (i = 0; i < zone->came; i++)
		for (p = 0; p < part->n_places; p++) {
			const struct xmctl_place *place = &part->places[p];
			const void *source = zone->hv + i * part->size[from];
			void *target = zone->copy + i * part->size[to];
			u64 number;

			number = xmctl_load(source + place->offset[from], place->size[from]);
			xmctl_store(target + place->offset[to], place->size[to], number);
		}
}

/**
 * xmctl_places_give() - gives the caller the numbers that came, and no more
 * @part: what they are
 * @zone: where they are, and how many came
 * @layout: of the caller
 *
 * Return: 0 or -EFAULT.
 */
int xmctl_places_give(const struct xmctl_part *part, const struct xmctl_zone *zone,
		      enum xmctl_layout layout)
{
	u32 i, p;

	for (i = 0; i < zone->came; i++)
		for (p = 0; p < part->n_places; p++) {
			const struct xmctl_place *place = &part->places[p];
			size_t at = (size_t)i * part->size[layout] + place->offset[layout];

			if (copy_to_user(zone->user + at, zone->copy + at, place->size[layout]))
				return -EFAULT;
		}
	return 0;
}
