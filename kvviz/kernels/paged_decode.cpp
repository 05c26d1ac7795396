// Decoding over a paged KV cache on a CPU, each page read once and where it lies.
//
// A task is a part of one sequence: the scores of its tokens with all query heads, their softmax,
// the sum of values. It leaves an output and its log-sum-exp, and the caller merges the parts
// ("Flash-Decoding", Dao et al., 2023). Pages lie anywhere, so the processor cannot foresee the
// next one: it is fetched while the present one is computed with.

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/cpu/vec/functional.h>
#include <ATen/cpu/vec/vec.h>
#include <ATen/ops/empty.h>
#include <torch/library.h>

#include <algorithm>
#include <cmath>
#include <type_traits>

namespace {

using Vec = at::vec::Vectorized<float>;
constexpr int64_t LANES = Vec::size();
constexpr int64_t LINE = 64;  // bytes of a cache line

// Up to LANES numbers as floats, zeros behind them.
template <typename T>
inline Vec load(const T* from, int64_t count) {
  if constexpr (std::is_same_v<T, float>) {
    return count < LANES ? Vec::loadu(from, count) : Vec::loadu(from);
  } else {
    const auto numbers = at::vec::Vectorized<T>::loadu(from, std::min(count, LANES));
    return std::get<0>(at::vec::convert_to_float<T>(numbers));
  }
}

// Rows of one KV head that follow one another in a page.
template <typename T>
struct Rows {
  const T* first;
  int64_t count, stride, width;
  const T* operator[](int64_t row) const { return first + row * stride; }
  void fetch(int64_t row) const {
    for (int64_t i = 0; i < width; i += LINE / sizeof(T)) __builtin_prefetch((*this)[row] + i);
  }
};

// (blocks, block size, KV heads, width), in whatever order but for the last axis.
template <typename T>
struct Cache {
  const T* data;
  int64_t block, size, token, heads, head, width;
  explicit Cache(const at::Tensor& cache)
      : data(cache.const_data_ptr<T>()), block(cache.stride(0)), size(cache.size(1)),
        token(cache.stride(1)), heads(cache.size(2)), head(cache.stride(2)), width(cache.size(3)) {}
};

// The tokens `from` to `to` of a sequence, whose pages `table` names.
struct Part {
  const int* table;
  int64_t from, to;
};

// Call `step` with the rows of every page and KV head of a part, in the order they lie in, with the
// rows that follow them and the first row's place in the part.
template <typename T, typename Step>
void each_page(const Cache<T>& cache, const Part& part, const Step& step) {
  const auto rows = [&](int64_t token, int64_t kv_head) {
    const int64_t place = token % cache.size;
    const T* page = cache.data + part.table[token / cache.size] * cache.block;
    return Rows<T>{page + place * cache.token + kv_head * cache.head,
                   std::min(cache.size - place, part.to - token), cache.token, cache.width};
  };
  for (int64_t token = part.from, next; token < part.to; token = next) {
    next = (token / cache.size + 1) * cache.size;
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
    next.fetch(token);
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
  for (int64_t token = 0; token < values.count; ++token) next.fetch(token);
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

// What a part is worked out in, for all heads: rows of whole vectors, and a score a token.
struct Room {
  int64_t d, width, tokens;
  static int64_t padded(int64_t count) { return (count + LANES - 1) / LANES * LANES; }
  Room(int64_t d, int64_t width, int64_t tokens)
      : d(padded(d)), width(padded(width)), tokens(tokens) {}
  int64_t numbers(int64_t heads) const { return heads * (d + width + tokens); }
};

// Write a part's output (heads, width of V) and log-sum-exp (heads), for queries (heads, d).
template <typename T>
void attend(const T* q, int64_t heads, float scale, const Cache<T>& keys, const Cache<T>& values,
            const Part& part, const Room& room, float* query, float* output, float* lse) {
  const int64_t group = heads / keys.heads, tokens = part.to - part.from;
  float *score = query + heads * room.d, *sum = score + heads * room.tokens;
  std::fill_n(query, heads * room.d, 0);
  std::fill_n(sum, heads * room.width, 0);
  for (int64_t head = 0; head < heads; ++head)
    for (int64_t i = 0; i < keys.width; ++i)
      query[head * room.d + i] = scale * static_cast<float>(q[head * keys.width + i]);
  each_page(keys, part, [&](int64_t kv, int64_t token, const Rows<T>& rows, const Rows<T>& next) {
    in_registers(kv * group, (kv + 1) * group, [&]<int G>(int64_t head) {
      multiply<G>(query + head * room.d, room.d, rows, next, score + head * tokens + token, tokens);
    });
  });
  for (int64_t head = 0; head < heads; ++head) lse[head] = softmax(score + head * tokens, tokens);
  each_page(values, part, [&](int64_t kv, int64_t token, const Rows<T>& rows, const Rows<T>& next) {
    in_registers(kv * group, (kv + 1) * group, [&]<int G>(int64_t head) {
      weigh<G>(score + head * tokens + token, tokens, rows, next, sum + head * room.width,
               room.width);
    });
  });
  for (int64_t head = 0; head < heads; ++head)
    std::copy_n(sum + head * room.width, values.width, output + head * values.width);
}

// Attend to each sequence's tokens in parts of `size`, a multiple of the block size. `outputs`
// (parts, batch, heads, width of V) and `lse` (parts, batch, heads), both float32, are written
// where a sequence has tokens. block_table and seq_lens are int32 and dense, as is q.
template <typename T>
void decode(const at::Tensor& q, const at::Tensor& k_cache, const at::Tensor& v_cache,
            const at::Tensor& block_table, const at::Tensor& seq_lens, float scale, int64_t window,
            int64_t size, at::Tensor& outputs, at::Tensor& lse) {
  const Cache<T> keys(k_cache), values(v_cache);
  const int64_t batch = q.size(0), heads = q.size(1);
  const Room room(keys.width, values.width, size);
  const at::Tensor rooms = at::empty({at::get_num_threads(), room.numbers(heads)}, at::kFloat);
  at::parallel_for(0, outputs.size(0) * batch, 1, [&](int64_t begin, int64_t end) {
    float* const mine = rooms.mutable_data_ptr<float>() + at::get_thread_num() * rooms.size(1);
    for (int64_t task = begin; task < end; ++task) {
      const int64_t sequence = task % batch, length = seq_lens.const_data_ptr<int>()[sequence];
      const int64_t seen = std::max<int64_t>(0, length - window);
      const int64_t start = seen / keys.size * keys.size + task / batch * size;
      if (start >= length) continue;
      attend(q.const_data_ptr<T>() + sequence * heads * keys.width, heads, scale, keys, values,
             {block_table.const_data_ptr<int>() + sequence * block_table.size(1),
              std::max(start, seen), std::min(start + size, length)},
             room, mine, outputs.mutable_data_ptr<float>() + task * heads * values.width,
             lse.mutable_data_ptr<float>() + task * heads);
    }
  });
}

void paged_decode(const at::Tensor& q, const at::Tensor& k_cache, const at::Tensor& v_cache,
                  const at::Tensor& block_table, const at::Tensor& seq_lens, double scale,
                  int64_t window, int64_t size, at::Tensor outputs, at::Tensor lse) {
  const auto run = [&]<typename T>() {
    decode<T>(q, k_cache, v_cache, block_table, seq_lens, scale, window, size, outputs, lse);
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
      "float scale, int window, int size, Tensor(a!) outputs, Tensor(b!) lse) -> ()");
}

TORCH_LIBRARY_IMPL(kvviz, CPU, library) { library.impl("paged_decode", paged_decode); }
