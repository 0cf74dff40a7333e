# SPDX-License-Identifier: LGPL-2.1-or-later
#
# How a program for a Linux partition is built, for makefiles written for libxm-linux:
#
#	include .../common/rules.mk
#	all: myprogram
#
# builds myprogram from myprogram.c with the 2.4 profile and -lxm-linux.
#
#	myprogram: XM_PROFILE := 30
#
# builds it with another profile (24, 26, 30 for 3.x, 40 for PRTOS) and -lxm.  M32=1 makes 32-bit
# programs, for which the 32-bit library must be installed; they have the same names, so "make clean"
# when you go from one to the other.  XM_PREFIX says where libxm is installed: config.mk beside this
# file (see config.mk.dist), else the tree that this file is installed in, or the clone with what has
# been built there, else /usr/local.

XM_COMMON := $(dir $(lastword $(MAKEFILE_LIST)))
-include $(XM_COMMON)config.mk

ifndef XM_PREFIX
ifneq ($(wildcard $(XM_COMMON)../../../include/xm-linux.h),)
XM_PREFIX := $(XM_COMMON)../../..
else ifneq ($(wildcard $(XM_COMMON)../../include/xm-linux.h),)
XM_PREFIX := $(XM_COMMON)../..
XM_LIBDIR ?= $(if $(M32),build/m32,build)
XM_RPATH = -Wl,-rpath,'$(abspath $(XM_PREFIX)/$(XM_LIBDIR))'
else
XM_PREFIX := /usr/local
endif
endif
XM_PROFILE ?= 24
XM_LIBDIR ?= $(if $(M32),lib32,lib)
# Without gcc-multilib the 32-bit compiler does not find the kernel's headers of this machine.
XM_MACHINE := $(if $(M32),-m32 -idirafter /usr/include/x86_64-linux-gnu)

# Said here as well, so that it does not matter which header a program includes first.
CPPFLAGS += -DXM_PROFILE=$(XM_PROFILE) -I'$(XM_PREFIX)/include' $(XM_MACHINE)
CFLAGS ?= -O2 -Wall
LDLIBS += -L'$(XM_PREFIX)/$(XM_LIBDIR)' $(if $(filter 24,$(XM_PROFILE)),-lxm-linux,-lxm $(XM_RPATH))

.DEFAULT_GOAL := all

%: %.c
	$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $< $(LDLIBS)
