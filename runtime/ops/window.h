// What slides windows over images.
#pragma once

#include "runtime/ops/convolution.h"
#include "runtime/ops/pooling.h"
