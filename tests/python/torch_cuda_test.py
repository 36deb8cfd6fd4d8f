"""bhroute.torch on an NVIDIA GPU, against the same operator on the CPU."""

import pytest
import torch
from conftest import TOP_K, make_table, router_logits

import bhroute
from bhroute.torch import Router

if not torch.cuda.is_available():
    pytest.skip("no NVIDIA GPU that PyTorch can use", allow_module_level=True)
try:
    from bhroute._cuda import CudaKernel

    CudaKernel.shared()
except RuntimeError as error:
    pytest.skip(str(error), allow_module_level=True)


def router(text="bh:alpha=0.2,max_k=16", num_experts=64, **options):
    table = make_table(num_experts, **options)
    return Router(bhroute.Policy(text, num_experts=num_experts, top_k=min(TOP_K, num_experts), table=table))


def expect_same(own: Router, logits: torch.Tensor, **options: object) -> None:
    cpu, gpu = own(logits, **options), own(logits.cuda(), **options)
    for name, one, other in zip(cpu._fields, cpu, gpu):
        if one is None:
            assert other is None
        elif one.dtype == torch.float32:
            # 10 ulp: 6 of the GPU and 4 of the CPU from the double reference.
            torch.testing.assert_close(other.cpu(), one, rtol=1.2e-6, atol=0, msg=lambda m: f"{name}: {m}")
        else:
            assert torch.equal(other.cpu(), one), name


@pytest.mark.parametrize("text", ["bh:alpha=0.2,max_k=16", "bh:alpha=0.05,min_k=4,max_k=6,weights=mass", "by:alpha=0.5,max_k=9",
                                  "holm:alpha=0.3,max_k=16", "top_k:k=8,weights=renormalized", "bonferroni:alpha=0.4,max_k=3"])
@pytest.mark.parametrize("num_experts", [16, 60, 64, 128, 256])
def test_same_decisions(text, num_experts):
    for tokens in (1, 130, 5000, 20000):
        for dense in (True, False):
            expect_same(router(text, num_experts), torch.from_numpy(router_logits(tokens, num_experts)), dense=dense, counts=True, rows=True)


@pytest.mark.parametrize("unselected", ["-1", "num_experts", "distinct"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_types_and_unselected_slots(unselected, dtype):
    expect_same(router(), torch.from_numpy(router_logits(3000)).to(dtype), unselected=unselected, rows=True)


@pytest.mark.parametrize("statistic", ["log_prob", "standardized"])
def test_other_statistics(statistic):
    logits = torch.from_numpy(router_logits(50000))
    logits[5, 3], logits[6, 4], logits[7, 5:9], logits[8] = float("inf"), -float("inf"), float("inf"), float("nan")
    expect_same(router(statistic=statistic), logits, rows=True)


@pytest.mark.parametrize("text", ["bh:alpha=0.2,max_k=16", "holm:alpha=0.3,max_k=16,weights=renormalized", "bh:alpha=0.1,min_k=4,max_k=6,weights=mass"])
@pytest.mark.parametrize("num_experts", [16, 60, 64, 128, 256])
def test_one_null_an_expert(text, num_experts):
    own = router(text, num_experts, pooling="per_expert")
    for tokens in (1, 130, 5000):
        expect_same(own, torch.from_numpy(router_logits(tokens, num_experts)), dense=True, counts=True, rows=True)


def test_many_chunks():
    expect_same(router("bh:alpha=0.3,max_k=8"), torch.from_numpy(router_logits(300_000)), rows=True, counts=True)


def test_strides_and_batches():
    wide = torch.from_numpy(router_logits(900, 80))
    own = router()
    expected = own(wide[:, :64].contiguous())
    out = own(wide.cuda()[:, :64].unflatten(0, (3, 300)))
    assert torch.equal(out.expert_ids.flatten(0, 1).cpu(), expected.expert_ids)
    assert own(wide.cuda()[:0, :64], rows=True).row_offsets.tolist() == [0] * 65


def test_inside_a_cuda_graph():
    own = router()
    logits = torch.from_numpy(router_logits(4096)).cuda()
    own(logits, counts=True, rows=True)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        out = own(logits, counts=True, rows=True)
    logits.copy_(torch.from_numpy(router_logits(4096, seed=9)))
    graph.replay()
    expected = own(logits.cpu(), counts=True, rows=True)
    for one, other in ((out.expert_ids, expected.expert_ids), (out.row_pairs, expected.row_pairs), (out.expert_counts, expected.expert_counts)):
        assert torch.equal(one.cpu(), other)


def test_compiled_with_cuda_graphs():
    own = router().prepare("cuda:0")
    compiled = torch.compile(lambda x: own(x * 2, dense=True).dense_weights.sum(-1), mode="reduce-overhead", fullgraph=True)
    logits = torch.from_numpy(router_logits(512)).cuda()
    for _ in range(4):
        result = compiled(logits)
    torch.testing.assert_close(result.cpu(), own(logits.cpu() * 2, dense=True).dense_weights.sum(-1))


def test_never_waits_for_the_gpu():
    own, logits = router(), torch.from_numpy(router_logits(4096)).cuda()
    own(logits, rows=True)
    torch.cuda.set_sync_debug_mode("error")
    try:
        own(logits, dense=True, counts=True, rows=True)
    finally:
        torch.cuda.set_sync_debug_mode("default")
