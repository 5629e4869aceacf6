"""Prints the times of the device's kernels beside those of PyTorch, eager and in float32: bench.py PROGRAM, the program being
bench.cu compiled by nvcc."""

import subprocess
import sys

import torch
import torch.nn.functional as F

torch.backends.cuda.matmul.allow_tf32 = False
torch.backends.cudnn.allow_tf32 = False
torch.backends.cudnn.benchmark = True
torch.set_grad_enabled(False)


def rand(*sizes):
    return torch.rand(*sizes, device="cuda")


def linear(rows, columns, depth):
    x, w, b = rand(rows, depth), rand(columns, depth), rand(columns)
    return lambda: F.linear(x, w, b)


def conv(batch, channels, size, out_channels, kernel, stride, pad, groups=1):
    x, w, b = rand(batch, channels, size, size), rand(out_channels, channels // groups, kernel, kernel), rand(out_channels)
    return lambda: F.conv2d(x, w, b, stride, pad, 1, groups).relu_()


def cases():
    x, z, w = rand(16384, 1024), rand(16384, 1024), rand(1024)
    small, weight = rand(4096, 256), rand(1024, 256)
    q, k, v = (rand(8, 12, 197, 64) for _ in range(3))
    return {
        "linear_4096x4096x4096": linear(4096, 4096, 4096),
        "linear_1024x1024x1024": linear(1024, 1024, 1024),
        "linear_128x768x768": linear(128, 768, 768),
        "linear_1x1000x512": linear(1, 1000, 512),
        "conv_8x3x224_64_k7s2": conv(8, 3, 224, 64, 7, 2, 3),
        "conv_8x64x56_64_k3": conv(8, 64, 56, 64, 3, 1, 1),
        "conv_8x256x14_256_k3": conv(8, 256, 14, 256, 3, 1, 1),
        "conv_8x256x56_64_k1": conv(8, 256, 56, 64, 1, 1, 0),
        "conv_8x128x56_128_k3_depthwise": conv(8, 128, 56, 128, 3, 1, 1, 128),
        "softmax_16384x1024": lambda: torch.softmax(x, -1),
        "layer_norm_16384x1024": lambda: F.layer_norm(x, (1024,), w, w),
        "sum_16384x1024": lambda: x.sum(-1),
        "gelu_16M": lambda: F.gelu(x),
        "add_relu_16M": lambda: torch.relu(x + z),
        "linear_gelu_fused_4096x1024x256": lambda: F.gelu(F.linear(small, weight, w)),
        "linear_gelu_unfused_4096x1024x256": lambda: F.gelu(F.linear(small, weight, w)),
        "attention_8x12x197x64": lambda: F.scaled_dot_product_attention(q, k, v),
    }


def milliseconds(run, times=7, repeats=10):
    """The median of several times of `repeats` calls, as bench.cu measures."""
    found = []
    run()
    for _ in range(times):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        for _ in range(repeats):
            run()
        end.record()
        end.synchronize()
        found.append(begin.elapsed_time(end) / repeats)
    return sorted(found)[times // 2]


def main():
    output = subprocess.run([sys.argv[1]], capture_output=True, text=True, check=True).stdout
    ours = {line.split()[0]: line.split()[1:] for line in output.splitlines()}
    print(f"{torch.cuda.get_device_name()}, PyTorch {torch.__version__}, float32 without TF32")
    print(f"{'':36} {'tsc ms':>9} {'torch ms':>9} {'torch/tsc':>9}")
    for name, run in cases().items():
        theirs = milliseconds(run)
        time, rate, unit = ours[name]
        print(f"{name:36} {float(time):9.4f} {theirs:9.4f} {theirs / float(time):9.2f}   {rate} {unit}")


if __name__ == "__main__":
    main()
