entries <- function(f, rows, columns) {
  f <- as.list(f); names(f) <- c('p', 'q', 'r', 's', 'm')
  i <- matrix(1:rows, rows, columns); j <- matrix(1:columns, rows, columns, byrow = TRUE)
  ((f$p * i + f$q * j + f$r * i * j + f$s) %% 100003) %% f$m - f$m %/% 2
}
reflected <- function(d, u, v) {
  s <- matrix(0, length(u), length(v)); diag(s) <- d
  s <- s - 2 * u %o% as.vector(t(s) %*% u) / sum(u^2)
  s - 2 * as.vector(s %*% v) %o% v / sum(v^2)
}
timed <- function(expression) {
  start <- proc.time()[['elapsed']]; force(expression); proc.time()[['elapsed']] - start
}
started <- proc.time()[['elapsed']]

a <- entries(product_a, product_m, product_k); b <- entries(product_b, product_k, product_n)
gemm_seconds <- Inf
for (repetition in 1:product_repeats) gemm_seconds <- min(gemm_seconds, timed(product <- a %*% b))
say('product', rowSums(product * rep(product_w, each = product_m)))
say('crossproduct', rowSums(crossprod(a) * rep(crossproduct_w, each = product_k)))

system_a <- entries(solve_a, solve_n, solve_n)
say('solve', solve(system_a, solve_b))
say('qr solve', qr.solve(system_a, solve_b))

factor <- chol(factor_scale^2 * outer(1:factor_n, 1:factor_n, pmin))
say('cholesky', rowSums(factor * rep(factor_w, each = factor_n)))

m <- reflected(eigenvalues, eigen_v, eigen_v); m <- (m + t(m)) / 2
e <- eigen(m, symmetric = TRUE)
say('eigenvalues', rev(e$values))
say('eigen product', e$vectors %*% (e$values * crossprod(e$vectors, eigen_w)))
say('eigen identity', e$vectors %*% crossprod(e$vectors, eigen_w))

s <- svd(reflected(singular_values, singular_u, singular_v))
say('singular values', s$d)
say('singular product', s$u %*% (s$d * crossprod(s$v, singular_w)))

hilbert <- outer(1:hilbert_n, 1:hilbert_n, function(i, j) 1 / (i + j - 1))
say('hilbert inverse', as.vector(t(solve(hilbert) / hilbert_scale)))
say('determinant', determinant(outer(vandermonde_x, 0:(length(vandermonde_x) - 1), `^`))$modulus)

say('pbinom', pbinom(binomial_k, binomial_n, binomial_p))
say('phyper', phyper(hyper_k, hyper_white, hyper_black, hyper_drawn))
say('pbeta', pbeta(beta_x, beta_a, beta_b))
say('pchisq', pchisq(chi_x, 2 * chi_half))
say('pt', pt(student_t, 2 * student_half))
say('pf', pf(f_x, 2, f_denominator))
say('pnorm', pnorm(normal_x))
say('qnorm', qnorm(pnorm(normal_x)))
say('lm', unname(coef(lm(y ~ x1 + x2))))
say('fft', c(Re(fft(y)), Im(fft(y))))
set.seed(seed, kind = 'Mersenne-Twister'); say('runif', runif(20))

say('seconds', proc.time()[['elapsed']] - started)
say('gemm seconds', gemm_seconds)
say('version', R.version.string)
blas_maker <- function(file) {
  if (file == '') return('none')  # dlopen takes '' for the whole process
  handle <- tryCatch(dyn.load(file, now = FALSE), error = function(e) NULL)
  if (is.null(handle)) return('none')
  has <- function(symbol) !inherits(try(getNativeSymbolInfo(symbol, handle), TRUE), 'try-error')
  found <- names(blas_functions)[vapply(blas_functions, has, TRUE)]
  if (length(found)) return(found[1])
  content <- readBin(file, 'raw', file.size(file))
  has <- function(text) length(grepRaw(text, content, fixed = TRUE)) > 0
  c(names(blas_texts)[vapply(blas_texts, has, TRUE)], 'none')[1]
}
reported <- extSoftVersion()[['BLAS']]
say('reported blas', reported); say('blas of products', blas_maker(reported))
maps <- tryCatch(readLines('/proc/self/maps'), error = function(e) character())
files <- unique(sub('^[^/]*', '', grep('/', maps, value = TRUE)))
loaded <- files[grepl('^lib[^/]*(blas|blis|mkl_rt|atlas|armpl)[^/]*[.]so', basename(files))]
say('blas files', normalizePath(loaded)); say('blas makers', vapply(loaded, blas_maker, ''))
roots <- Sys.getenv(blas_roots); say('blas roots', normalizePath(roots[roots != '']))
say('kernel threads', sub('.*[^0-9]', '', grep('^Threads:', readLines('/proc/self/status'), value = TRUE)))
say('nonce', nonce)
