// <stdbool.h>, for compiling C inside `tsc`; other compilers bring their own.
#ifndef TSC_FREESTANDING_STDBOOL_H
#define TSC_FREESTANDING_STDBOOL_H

#ifndef __cplusplus
#define bool _Bool
#define true 1
#define false 0
#endif

#endif
