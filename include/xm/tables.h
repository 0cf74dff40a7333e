/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_TABLES_H
#define XM_TABLES_H

/*
 * The tables that a hypervisor lays into the memory of a partition: control (PCT) and, 2.x,
 * information (PIT).  What a process gets of them is in xm/params.h.
 *
 * The layout is that of the hypervisors as they come: 16 hardware lines (PRTOS: 32), and the
 * processor that the program is compiled for.  No 64-bit 3.x ever existed; it is laid out as PRTOS.
 */

#include <xm/memorytypes.h>
#include <xm/system.h>
#include <xm/types.h>

#if XM_PROFILE == XM_PROFILE_PRTOS
#define CONFIG_NO_HWIRQS 32
#define CONFIG_MAX_NO_VCPUS 4
#else
#define CONFIG_NO_HWIRQS 16
#define CONFIG_MAX_NO_VCPUS 1
#endif

#if XM_FAMILY == 2

/* Bits of iFlags. */
#define XM_IFLAGS_IRQS_ENABLED 0x1U
#define XM_IFLAGS_TRAP_PENDING 0x2U
#define XM_IFLAGS_IOPL_BIT 16
#define XM_IFLAGS_IOPL_MASK (0x3U << XM_IFLAGS_IOPL_BIT)
#define XM_IFLAGS_ATOMIC_AREA (0x1U << 20)

/* Register that holds the place of a table of the processor. */
struct pctDescReg {
	xm_u16_t limit;
	xm_u32_t linearBase;
} __attribute__((packed));

typedef struct partitionControlTable {
	xm_u32_t magic; /* KTHREAD_MAGIC */
#if XM_PROFILE == XM_PROFILE_2_6
	xm_u32_t resetCounter;
	xm_u32_t resetStatus;
#endif
	xm_u32_t iFlags; /* XM_IFLAGS_* */
	xm_u32_t hwIrqsPend;
	xm_u32_t hwIrqsMask;
	xm_u32_t extIrqsPend;
	xm_u32_t extIrqsMask;
	xm_u32_t objDescClassPend; /* bit OBJ_CLASS_*: something happened to an object of it */
	struct {
		struct pctDescReg gdtr;
		struct pctDescReg idtr;
		xm_u32_t tr;
		xm_u32_t cr4;
		xm_u32_t cr3;
		xm_u32_t cr2;
		xm_u32_t cr0;
		struct {
			xmAddress_t sAddr;
			xmAddress_t eAddr;
		} atomicArea;
	} arch;
	struct {
		xm_u32_t noSlot : 16;
		xm_u32_t reserved : 16; /* 0 a slot of the plan, 1 of a spare plan */
		xm_u32_t id;
		xm_u32_t slotDuration; /* microseconds */
		xm_u32_t slotUsed;
		xm_u32_t slotAccum;
	} schedInfo;
	xm_u8_t trap2Vector[32];
	xm_u8_t hwIrq2Vector[CONFIG_NO_HWIRQS];
	xm_u16_t extIrq2Vector[32];
} partitionControlTable_t;

typedef struct partitionInformationTable {
	xm_u32_t signature; /* XM_PIT_SIGNATURE */
	xm_u32_t xmVersion; /* xm/version.h */
	xm_u32_t xmAbiVersion;
	xm_u32_t xmApiVersion;
	xm_u32_t checksum; /* makes the sum of all bytes and itself 0, modulo 2^32 */
	xm_u32_t resetCounter;
	xm_u32_t resetStatus;
	xm_u32_t cpuKhz;
	xmId_t id;
	char name[CONFIG_ID_STRING_LENGTH];
	xm_u32_t flags;  /* XM_PART_* */
	xm_u32_t hwIrqs; /* a bit for each hardware line that the partition owns */
	xm_s32_t noPartitions;
	xm_s32_t noPhysicalMemoryAreas;
} partitionInformationTable_t;

/* The same for 2.4, and 8 bytes later in 2.6. */
#define XM_ASSERT_PCT_(member, offset)                                                             \
	XM_ASSERT_OFFSET(partitionControlTable_t, member,                                          \
			 (offset) + (XM_PROFILE == XM_PROFILE_2_6 ? 8 : 0),                        \
			 (offset) + (XM_PROFILE == XM_PROFILE_2_6 ? 8 : 0))

XM_ASSERT_OFFSET(partitionControlTable_t, magic, 0, 0);
#if XM_PROFILE == XM_PROFILE_2_6
XM_ASSERT_SIZE(partitionControlTable_t, 208, 208);
XM_ASSERT_OFFSET(partitionControlTable_t, resetCounter, 4, 4);
XM_ASSERT_OFFSET(partitionControlTable_t, resetStatus, 8, 8);
#else
XM_ASSERT_SIZE(partitionControlTable_t, 200, 200);
#endif
XM_ASSERT_PCT_(iFlags, 4);
XM_ASSERT_PCT_(hwIrqsPend, 8);
XM_ASSERT_PCT_(hwIrqsMask, 12);
XM_ASSERT_PCT_(extIrqsPend, 16);
XM_ASSERT_PCT_(extIrqsMask, 20);
XM_ASSERT_PCT_(objDescClassPend, 24);
XM_ASSERT_PCT_(arch, 28);
XM_ASSERT_PCT_(arch.gdtr, 28);
XM_ASSERT_PCT_(arch.idtr, 34);
XM_ASSERT_PCT_(arch.tr, 40);
XM_ASSERT_PCT_(arch.cr4, 44);
XM_ASSERT_PCT_(arch.cr3, 48);
XM_ASSERT_PCT_(arch.cr2, 52);
XM_ASSERT_PCT_(arch.cr0, 56);
XM_ASSERT_PCT_(arch.atomicArea, 60);
XM_ASSERT_PCT_(schedInfo, 68);
XM_ASSERT_PCT_(schedInfo.id, 72);
XM_ASSERT_PCT_(schedInfo.slotDuration, 76);
XM_ASSERT_PCT_(schedInfo.slotUsed, 80);
XM_ASSERT_PCT_(schedInfo.slotAccum, 84);
XM_ASSERT_PCT_(trap2Vector, 88);
XM_ASSERT_PCT_(hwIrq2Vector, 120);
XM_ASSERT_PCT_(extIrq2Vector, 136);

XM_ASSERT_SIZE(partitionInformationTable_t, 68, 68);
XM_ASSERT_OFFSET(partitionInformationTable_t, signature, 0, 0);
XM_ASSERT_OFFSET(partitionInformationTable_t, xmVersion, 4, 4);
XM_ASSERT_OFFSET(partitionInformationTable_t, xmAbiVersion, 8, 8);
XM_ASSERT_OFFSET(partitionInformationTable_t, xmApiVersion, 12, 12);
XM_ASSERT_OFFSET(partitionInformationTable_t, checksum, 16, 16);
XM_ASSERT_OFFSET(partitionInformationTable_t, resetCounter, 20, 20);
XM_ASSERT_OFFSET(partitionInformationTable_t, resetStatus, 24, 24);
XM_ASSERT_OFFSET(partitionInformationTable_t, cpuKhz, 28, 28);
XM_ASSERT_OFFSET(partitionInformationTable_t, id, 32, 32);
XM_ASSERT_OFFSET(partitionInformationTable_t, name, 36, 36);
XM_ASSERT_OFFSET(partitionInformationTable_t, flags, 52, 52);
XM_ASSERT_OFFSET(partitionInformationTable_t, hwIrqs, 56, 56);
XM_ASSERT_OFFSET(partitionInformationTable_t, noPartitions, 60, 60);
XM_ASSERT_OFFSET(partitionInformationTable_t, noPhysicalMemoryAreas, 64, 64);

#else

/* Bits of flags. */
#define XM_PCT_FLAG_FP (0x1U << 1)
#define XM_PCT_FLAG_HALTED (0x1U << 2)
#define XM_PCT_FLAG_SUSPENDED (0x1U << 3)
#define XM_PCT_FLAG_READY (0x1U << 4)
#define XM_PCT_FLAG_DCACHE_FLUSH (0x1U << 5)
#define XM_PCT_FLAG_ICACHE_FLUSH (0x1U << 6)
#define XM_PCT_FLAG_DCACHE_ENABLED (0x1U << 7)
#define XM_PCT_FLAG_ICACHE_ENABLED (0x1U << 8)
#define XM_PCT_NO_PARTITIONS_BIT 16 /* of a system partition: how many there are */
#define XM_PCT_NO_PARTITIONS_MASK (0xffU << XM_PCT_NO_PARTITIONS_BIT)
#define XM_PCT_FLAG_TRAP_PENDING (0x1U << 31)

#if defined(__x86_64__) || defined(__i386__)
#define XM_PCT_X86 1
struct pctDescReg {
	xm_u16_t limit;
	xmAddress_t linearBase;
} __attribute__((packed));
#endif

typedef struct partitionControlTable {
	xm_u32_t magic;     /* KTHREAD_MAGIC */
	xm_u32_t xmVersion; /* xm/version.h */
	xm_u32_t xmAbiVersion;
	xm_u32_t xmApiVersion;
	xmSize_t partCtrlTabSize; /* bytes, with what follows the table */
	xm_u32_t resetCounter;
	xm_u32_t resetStatus;
	xm_u32_t cpuKhz;
	xmId_t id; /* virtual processor << 8 | partition */
	xmId_t noVCpus;
#if XM_PROFILE == XM_PROFILE_3_X
	xm_u32_t schedPolicy;
#endif
	xm_u32_t flags; /* XM_PCT_* */
	xm_u32_t imgStart;
	xm_u32_t hwIrqs; /* a bit for each hardware line that the partition owns */
	xm_s32_t noPhysicalMemAreas;
	xm_s32_t noCommPorts;
	xm_u8_t name[CONFIG_ID_STRING_LENGTH];
	xm_u32_t iFlags;
	xm_u32_t hwIrqsPend;
	xm_u32_t hwIrqsMask;
	xm_u32_t extIrqsPend;
	xm_u32_t extIrqsMask;
	struct {
#if defined(XM_PCT_X86)
		struct pctDescReg gdtr;
		struct pctDescReg idtr;
		xm_u32_t maxIdtVec;
		xm_u32_t tr;
		xm_u32_t cr4;
		xmWord_t cr3;
		xmWord_t cr2;
		xmWord_t cr0;
#else
		xmWord_t reg[5];
#endif
	} arch;
	struct {
		xm_u32_t noSlot;
		xm_u32_t id;
		xm_u32_t slotDuration; /* microseconds */
	} schedInfo;
	xm_u16_t trap2Vector[32];
	xm_u16_t hwIrq2Vector[CONFIG_NO_HWIRQS];
	xm_u16_t extIrq2Vector[32];
} partitionControlTable_t;

/*
 * 3.x: ia32, amd64.  PRTOS: ia32, amd64, and the other 64-bit processors, where an identifier has
 * 64 bits.
 */
#if XM_PROFILE == XM_PROFILE_3_X
#define XM_PCT_(ia32, amd64, prtos_ia32, prtos_amd64, prtos_wide) ia32, amd64
#elif defined(XM_WIDE_IDS)
#define XM_PCT_(ia32, amd64, prtos_ia32, prtos_amd64, prtos_wide) prtos_wide, prtos_wide
#else
#define XM_PCT_(ia32, amd64, prtos_ia32, prtos_amd64, prtos_wide) prtos_ia32, prtos_amd64
#endif
#define XM_ASSERT_PCT_AT_(member, ...)                                                             \
	XM_ASSERT_OFFSET(partitionControlTable_t, member, __VA_ARGS__)
#define XM_ASSERT_PCT_(member, ...) XM_ASSERT_PCT_AT_(member, XM_PCT_(__VA_ARGS__))
#define XM_ASSERT_PCT_SIZE_AT_(...) XM_ASSERT_SIZE(partitionControlTable_t, __VA_ARGS__)
#define XM_ASSERT_PCT_SIZE_(...) XM_ASSERT_PCT_SIZE_AT_(XM_PCT_(__VA_ARGS__))

#if defined(XM_PCT_X86) || (defined(XM_WIDE_IDS) && XM_PROFILE == XM_PROFILE_PRTOS)
XM_ASSERT_PCT_SIZE_(308, 336, 336, 368, 360);
XM_ASSERT_PCT_(magic, 0, 0, 0, 0, 0);
XM_ASSERT_PCT_(xmVersion, 4, 4, 4, 4, 4);
XM_ASSERT_PCT_(xmAbiVersion, 8, 8, 8, 8, 8);
XM_ASSERT_PCT_(xmApiVersion, 12, 12, 12, 12, 12);
XM_ASSERT_PCT_(partCtrlTabSize, 16, 16, 16, 16, 16);
XM_ASSERT_PCT_(resetCounter, 20, 24, 20, 24, 24);
XM_ASSERT_PCT_(resetStatus, 24, 28, 24, 28, 28);
XM_ASSERT_PCT_(cpuKhz, 28, 32, 28, 32, 32);
XM_ASSERT_PCT_(id, 32, 36, 32, 36, 40);
XM_ASSERT_PCT_(noVCpus, 36, 40, 36, 40, 48);
#if XM_PROFILE == XM_PROFILE_3_X
XM_ASSERT_PCT_(schedPolicy, 40, 44, 0, 0, 0);
#endif
XM_ASSERT_PCT_(flags, 44, 48, 40, 44, 56);
XM_ASSERT_PCT_(imgStart, 48, 52, 44, 48, 60);
XM_ASSERT_PCT_(hwIrqs, 52, 56, 48, 52, 64);
XM_ASSERT_PCT_(noPhysicalMemAreas, 56, 60, 52, 56, 68);
XM_ASSERT_PCT_(noCommPorts, 60, 64, 56, 60, 72);
XM_ASSERT_PCT_(name, 64, 68, 60, 64, 76);
XM_ASSERT_PCT_(iFlags, 80, 84, 76, 80, 92);
XM_ASSERT_PCT_(hwIrqsPend, 84, 88, 80, 84, 96);
XM_ASSERT_PCT_(hwIrqsMask, 88, 92, 84, 88, 100);
XM_ASSERT_PCT_(extIrqsPend, 92, 96, 88, 92, 104);
XM_ASSERT_PCT_(extIrqsMask, 96, 100, 92, 96, 108);
XM_ASSERT_PCT_(arch, 100, 104, 96, 104, 112);
XM_ASSERT_PCT_(schedInfo, 136, 160, 132, 160, 152);
XM_ASSERT_PCT_(schedInfo.id, 140, 164, 136, 164, 156);
XM_ASSERT_PCT_(schedInfo.slotDuration, 144, 168, 140, 168, 160);
XM_ASSERT_PCT_(trap2Vector, 148, 172, 144, 172, 164);
XM_ASSERT_PCT_(hwIrq2Vector, 212, 236, 208, 236, 228);
XM_ASSERT_PCT_(extIrq2Vector, 244, 268, 272, 300, 292);
#endif

#endif

#endif
