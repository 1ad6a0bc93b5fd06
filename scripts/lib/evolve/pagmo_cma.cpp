// pagmo's CMA-ES on the instances that optimizers.ts makes. Reads from standard input, as numbers and words:
//   function dims seed sigma limit target bound, then optimum, r, q and start.
// Writes how many evaluations it took to come to the target, or -1. pagmo has no restarts: a run that has converged is
// followed by one with twice the population from another start (IPOP, Auger and Hansen 2005).
#include <pagmo/algorithms/cmaes.hpp>
#include <pagmo/population.hpp>
#include <pagmo/problem.hpp>

#include <cmath>
#include <iostream>
#include <random>
#include <string>
#include <utility>
#include <vector>

using Vector = std::vector<double>;
using Matrix = std::vector<Vector>;

struct Reached {};
struct Exhausted {};

struct Instance {
  std::string name;
  unsigned dims = 0;
  unsigned seed = 0;
  double sigma = 0;
  long limit = 0;
  double target = 0;
  double bound = 0;
  Vector optimum, start;
  Matrix r, q;
};

static Instance instance;
static long evaluations = 0;

static Vector rotated(const Matrix& matrix, const Vector& x) {
  Vector y(x.size(), 0.0);
  for (size_t i = 0; i < x.size(); ++i)
    for (size_t j = 0; j < x.size(); ++j) y[i] += matrix[i][j] * x[j];
  return y;
}

static void oscillate(Vector& x) {
  for (double& value : x) {
    if (value == 0) continue;
    const double log = std::log(std::abs(value));
    const double c1 = value > 0 ? 10 : 5.5, c2 = value > 0 ? 7.9 : 3.1;
    const double size = std::exp(log + 0.049 * (std::sin(c1 * log) + std::sin(c2 * log)));
    value = value > 0 ? size : -size;
  }
}

static double evaluate(const Vector& x) {
  const size_t n = x.size();
  Vector z(n);
  for (size_t i = 0; i < n; ++i) z[i] = x[i] - instance.optimum[i];
  const auto share = [n](size_t i) { return n > 1 ? double(i) / double(n - 1) : 0.0; };
  double sum = 0;
  if (instance.name == "sphere") {
    for (double value : z) sum += value * value;
  } else if (instance.name == "rosenbrock") {
    const double factor = std::max(1.0, std::sqrt(double(n)) / 8);
    for (double& value : z) value = factor * value + 1;
    for (size_t i = 0; i + 1 < n; ++i)
      sum += 100 * std::pow(z[i] * z[i] - z[i + 1], 2) + std::pow(z[i] - 1, 2);
  } else if (instance.name == "ellipsoid") {
    z = rotated(instance.r, z);
    oscillate(z);
    for (size_t i = 0; i < n; ++i) sum += std::pow(10, 6 * share(i)) * z[i] * z[i];
  } else {
    z = rotated(instance.r, z);
    oscillate(z);
    for (size_t i = 0; i < n; ++i)
      if (z[i] > 0) z[i] = std::pow(z[i], 1 + 0.2 * share(i) * std::sqrt(z[i]));
    z = rotated(instance.q, z);
    for (size_t i = 0; i < n; ++i) z[i] *= std::pow(10, 0.5 * share(i));
    z = rotated(instance.r, z);
    for (double value : z) sum += 10 - 10 * std::cos(2 * M_PI * value) + value * value;
  }
  return sum;
}

struct Problem {
  Vector fitness(const Vector& x) const {
    if (evaluations >= instance.limit) throw Exhausted();
    ++evaluations;
    const double value = evaluate(x);
    if (value <= instance.target) throw Reached();
    return {value};
  }
  std::pair<Vector, Vector> get_bounds() const {
    return {Vector(instance.dims, -instance.bound), Vector(instance.dims, instance.bound)};
  }
};

static void read(Vector& vector) {
  vector.resize(instance.dims);
  for (double& value : vector) std::cin >> value;
}

static void read(Matrix& matrix) {
  matrix.resize(instance.dims);
  for (Vector& row : matrix) read(row);
}

int main() {
  std::cin >> instance.name >> instance.dims >> instance.seed >> instance.sigma >> instance.limit >>
      instance.target >> instance.bound;
  read(instance.optimum);
  read(instance.r);
  read(instance.q);
  read(instance.start);
  if (!std::cin) return 2;
  std::mt19937 random(instance.seed);
  std::uniform_real_distribution<double> uniform(-4, 4);
  const unsigned n = instance.dims;
  unsigned lambda = 4 + unsigned(3 * std::log(n));
  Vector start = instance.start;
  try {
    for (;; lambda *= 2) {
      pagmo::population population{pagmo::problem{Problem{}}, 0u, unsigned(random())};
      const double fitness = Problem{}.fitness(start)[0];
      population.push_back(start, {fitness});
      // It begins at the best and looks at no other, but ends at once where all are alike.
      for (unsigned i = 1; i < lambda; ++i) {
        Vector other(n);
        for (double& value : other) value = uniform(random);
        population.push_back(other, {fitness + i});
      }
      const unsigned generations = 100 + unsigned(50 * std::pow(n + 3, 2) / std::sqrt(lambda));
      // It takes sigma as a share of the bounds' width.
      pagmo::cmaes algorithm(generations, -1, -1, -1, -1, instance.sigma / (2 * instance.bound),
                             1e-12, 1e-12, false, false, unsigned(random()));
      algorithm.evolve(population);
      for (double& value : start) value = uniform(random);
    }
  } catch (const Reached&) {
    std::cout << evaluations << std::endl;
  } catch (const Exhausted&) {
    std::cout << -1 << std::endl;
  }
  return 0;
}
