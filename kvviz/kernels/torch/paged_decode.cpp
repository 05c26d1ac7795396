// Decoding over a paged KV cache on a CPU, reading the pages where they lie.
//
// A task is a part of one sequence: the scores of its tokens with all query heads, their softmax,
// the sum of values. It leaves an output and its log-sum-exp, and the caller merges the parts
// ("Flash-Decoding", Dao et al., 2023). Pages lie anywhere, so the processor cannot foresee the
// next one: it is prefetched while the present one is computed with.

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/cpu/vec/functional.h>
#include <ATen/cpu/vec/vec.h>
#include <ATen/ops/empty.h>
#include <torch/library.h>

#include <algorithm>
#include <cmath>
#include <tuple>
#include <type_traits>

namespace {

using Vec = at::vec::Vectorized<float>;
constexpr int64_t LANES = Vec::size();
constexpr int64_t LINE = 64;   // bytes of a cache line
constexpr int64_t STRIP = 32;  // rows that stay in the first cache with those prefetched after them

// Up to LANES numbers as floats, zeros behind them.
template <typename T>
inline Vec load(const T* from, int64_t count) {
  if constexpr (std::is_same_v<T, float>) {
    return count < LANES ? Vec::loadu(from, count) : Vec::loadu(from);
  } else {
    T numbers[at::vec::Vectorized<T>::size()] = {};
    std::copy_n(from, std::min(count, LANES), numbers);
    return std::get<0>(at::vec::convert_to_float<T>(at::vec::Vectorized<T>::loadu(numbers)));
  }
}

// Rows of one KV head that follow one another in a page.
template <typename T>
struct Rows {
  const T* first;
  int64_t count, stride, width;
  const T* operator[](int64_t row) const { return first + row * stride; }
  void prefetch(int64_t row) const {
    for (int64_t i = 0; i < width; i += LINE / sizeof(T)) __builtin_prefetch((*this)[row] + i);
  }
};

// (blocks, block size, KV heads, width), in whatever order but for the last axis.
template <typename T>
struct Cache {
  const T* data;
  int64_t block, block_size, token, heads, head, width;
  explicit Cache(const at::Tensor& cache)
      : data(cache.const_data_ptr<T>()), block(cache.stride(0)), block_size(cache.size(1)),
        token(cache.stride(1)), heads(cache.size(2)), head(cache.stride(2)), width(cache.size(3)) {}
};

// The tokens `from` to `to` of a sequence, whose pages `table` names.
struct Part {
  const int* table;
  int64_t from, to;
};

// Call `step` with the rows of every strip of a page and KV head, in the order they lie in, with the
// first row's place in the part and the rows to prefetch, those of the strip after.
template <typename T, typename Step>
void each_strip(const Cache<T>& cache, const Part& part, const Step& step) {
  const auto rows = [&](int64_t token, int64_t kv_head) {
    const int64_t place = token % cache.block_size;
    const int64_t count = std::min({STRIP, cache.block_size - place, part.to - token});
    const T* block = cache.data + part.table[token / cache.block_size] * cache.block;
    return Rows<T>{block + place * cache.token + kv_head * cache.head, count, cache.token,
                   cache.width};
  };
  for (int64_t token = part.from, next; token < part.to; token = next) {
    next = token + rows(token, 0).count;
    for (int64_t kv_head = 0; kv_head < cache.heads; ++kv_head)
      step(kv_head, token - part.from, rows(token, kv_head),
           rows(next < part.to ? next : token, kv_head));
  }
}

// Scores (G, ...) of G query heads (G, d) with keys, in rows of `stride`.
template <int G, typename T>
void multiply(const float* query, int64_t d, const Rows<T>& keys, const Rows<T>& next,
              float* score, int64_t stride) {
  for (int64_t token = 0; token < keys.count; ++token) {
    next.prefetch(token);
    Vec sum[G];
    for (auto& each : sum) each = Vec(0);
    for (int64_t i = 0; i < keys.width; i += LANES) {
      const Vec key = load(keys[token] + i, keys.width - i);
      for (int g = 0; g < G; ++g) sum[g] = at::vec::fmadd(Vec::loadu(query + g * d + i), key, sum[g]);
    }
    for (int g = 0; g < G; ++g)
      score[g * stride + token] =
          at::vec::vec_reduce_all<float>([](Vec& a, Vec& b) { return a + b; }, sum[g]);
  }
}

// Add values, each times its weight for G query heads, to their outputs (G, width).
template <int G, typename T>
void weigh(const float* weight, int64_t stride, const Rows<T>& values, const Rows<T>& next,
           float* output, int64_t width) {
  for (int64_t token = 0; token < values.count; ++token) next.prefetch(token);
  for (int64_t i = 0; i < values.width; i += LANES) {
    Vec sum[G];
    for (int g = 0; g < G; ++g) sum[g] = Vec::loadu(output + g * width + i);
    for (int64_t token = 0; token < values.count; ++token) {
      const Vec value = load(values[token] + i, values.width - i);
      for (int g = 0; g < G; ++g)
        sum[g] = at::vec::fmadd(Vec(weight[g * stride + token]), value, sum[g]);
    }
    for (int g = 0; g < G; ++g) sum[g].store(output + g * width + i);
  }
}

// Turn scores into weights that add up to 1; return their log-sum-exp.
float softmax(float* score, int64_t count) {
  const float largest = at::vec::reduce_all<float>(
      [](Vec a, Vec b) { return at::vec::maximum(a, b); }, score, count);
  at::vec::map<float>([=](Vec x) { return (x - Vec(largest)).exp(); }, score, score, count);
  const float sum = at::vec::reduce_all<float>([](Vec a, Vec b) { return a + b; }, score, count);
  at::vec::map<float>([=](Vec x) { return x / Vec(sum); }, score, score, count);
  return largest + std::log(sum);
}

// Call `step` for all heads of a group, as many at once as their sums have registers.
template <typename Step>
void in_registers(int64_t head, int64_t last, const Step& step) {
  for (; last - head >= 8; head += 8) step.template operator()<8>(head);
  if (last - head >= 4) step.template operator()<4>(head), head += 4;
  if (last - head >= 2) step.template operator()<2>(head), head += 2;
  if (last - head >= 1) step.template operator()<1>(head);
}

// What a part is worked out in: for all query heads a row of whole vectors, or of a score a token.
struct Workspace {
  int64_t heads, d, width, tokens;
  float *query = nullptr, *score = nullptr, *sum = nullptr;
  static int64_t padded(int64_t count) { return (count + LANES - 1) / LANES * LANES; }
  Workspace(int64_t heads, int64_t d, int64_t width, int64_t tokens)
      : heads(heads), d(padded(d)), width(padded(width)), tokens(tokens) {}
  int64_t numbers() const { return heads * (d + tokens + width); }
  Workspace at(float* memory) const {
    Workspace placed = *this;
    placed.query = memory, placed.score = memory + heads * d;
    placed.sum = placed.score + heads * tokens;
    return placed;
  }
};

// Put queries (heads, d), times the scale, into the workspace.
template <typename T>
void set_query(const Workspace& work, const T* q, int64_t d, float scale) {
  std::fill_n(work.query, work.heads * work.d, 0);
  for (int64_t head = 0; head < work.heads; ++head)
    for (int64_t i = 0; i < d; ++i)
      work.query[head * work.d + i] = scale * static_cast<float>(q[head * d + i]);
}

// Write the output (heads, width of V) and log-sum-exp (heads) of a part, for the query set.
template <typename T>
void attend(const Workspace& work, const Cache<T>& keys, const Cache<T>& values, const Part& part,
            float* output, float* lse) {
  const int64_t group = work.heads / keys.heads, tokens = part.to - part.from;
  each_strip(keys, part, [&](int64_t kv, int64_t token, const Rows<T>& rows, const Rows<T>& next) {
    in_registers(kv * group, (kv + 1) * group, [&]<int G>(int64_t head) {
      multiply<G>(work.query + head * work.d, work.d, rows, next,
                  work.score + head * tokens + token, tokens);
    });
  });
  for (int64_t head = 0; head < work.heads; ++head)
    lse[head] = softmax(work.score + head * tokens, tokens);
  std::fill_n(work.sum, work.heads * work.width, 0);
  each_strip(values, part, [&](int64_t kv, int64_t token, const Rows<T>& rows, const Rows<T>& next) {
    in_registers(kv * group, (kv + 1) * group, [&]<int G>(int64_t head) {
      weigh<G>(work.score + head * tokens + token, tokens, rows, next,
               work.sum + head * work.width, work.width);
    });
  });
  for (int64_t head = 0; head < work.heads; ++head)
    std::copy_n(work.sum + head * work.width, values.width, output + head * values.width);
}

// Attend to each sequence's tokens in parts of `part`, a multiple of the block size. `outputs`
// (parts, batch, heads, width of V) and `lse` (parts, batch, heads), both float32, are written
// where a sequence has tokens. block_table and seq_lens are int32 and dense, as is q.
template <typename T>
void decode(const at::Tensor& q, const at::Tensor& k_cache, const at::Tensor& v_cache,
            const at::Tensor& block_table, const at::Tensor& seq_lens, float scale, int64_t window,
            int64_t part, at::Tensor& outputs, at::Tensor& lse) {
  const Cache<T> keys(k_cache), values(v_cache);
  const int64_t batch = q.size(0), heads = q.size(1), d = q.size(2);
  const int64_t tasks = outputs.size(0) * batch, workers = at::get_num_threads();
  const Workspace space(heads, d, values.width, part);
  const at::Tensor memory = at::empty({workers, space.numbers()}, at::kFloat);
  // Workers take turns, since the last parts of short sequences are empty.
  at::parallel_for(0, workers, 1, [&](int64_t begin, int64_t end) {
    for (int64_t worker = begin; worker < end; ++worker) {
      const Workspace work = space.at(memory.mutable_data_ptr<float>() + worker * space.numbers());
      for (int64_t task = worker; task < tasks; task += workers) {
        const int64_t sequence = task % batch, length = seq_lens.const_data_ptr<int>()[sequence];
        const int64_t seen = std::max<int64_t>(0, length - window);
        const int64_t start = seen / keys.block_size * keys.block_size + task / batch * part;
        if (start >= length) continue;
        set_query(work, q.const_data_ptr<T>() + sequence * heads * d, d, scale);
        attend(work, keys, values,
               {block_table.const_data_ptr<int>() + sequence * block_table.size(1),
                std::max(start, seen), std::min(start + part, length)},
               outputs.mutable_data_ptr<float>() + task * heads * values.width,
               lse.mutable_data_ptr<float>() + task * heads);
      }
    }
  });
}

void paged_decode(const at::Tensor& q, const at::Tensor& k_cache, const at::Tensor& v_cache,
                  const at::Tensor& block_table, const at::Tensor& seq_lens, double scale,
                  int64_t window, int64_t part, at::Tensor outputs, at::Tensor lse) {
  const auto run = [&]<typename T>() {
    decode<T>(q, k_cache, v_cache, block_table, seq_lens, scale, window, part, outputs, lse);
  };
  switch (q.scalar_type()) {
    case at::kFloat: return run.template operator()<float>();
    case at::kHalf: return run.template operator()<at::Half>();
    case at::kBFloat16: return run.template operator()<at::BFloat16>();
    default: TORCH_CHECK(false, "paged_decode has no kernel for ", q.scalar_type());
  }
}

}  // namespace

TORCH_LIBRARY(kvviz, library) {
  library.def(
      "paged_decode(Tensor q, Tensor k_cache, Tensor v_cache, Tensor block_table, Tensor seq_lens, "
      "float scale, int window, int part, Tensor(a!) outputs, Tensor(b!) lse) -> ()");
}

TORCH_LIBRARY_IMPL(kvviz, CPU, library) { library.impl("paged_decode", paged_decode); }
