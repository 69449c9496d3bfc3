# Makes measurement.json: reliabilities, discriminant validity and method factors, by lavaan.
# Rscript tests/reference/measurement.R (from the project's root; lavaan 0.6-14, R 4.2)
suppressMessages({library(lavaan); library(jsonlite)})
tight <- function(f, ...) {  # nlminb stops early: BFGS goes on from there, and the last call only reads the result
  bare <- list(..., se = "none", test = "standard", baseline = FALSE)
  capture.output(found <- suppressWarnings({ first <- do.call(f, bare)
    again <- do.call(f, c(bare, list(start = first, optim.method = "BFGS", control = list(reltol = 1e-16, maxit = 20000))))
    do.call(f, list(..., start = if (lavInspect(again, "converged")) again else first)) }))
  found }
told <- function(fit, robust = FALSE) { e <- parameterEstimates(fit); s <- standardizedSolution(fit)
  list(terms = paste(e$lhs, e$op, e$rhs), est = e$est, se = e$se, std = s$est.std, std_se = s$se,
    chi2 = unname(fitMeasures(fit, "chisq")), df = unname(fitMeasures(fit, "df")),
    chi2_scaled = if (robust) unname(fitMeasures(fit, "chisq.scaled"))) }
defined <- function(fit) { e <- parameterEstimates(fit); e <- e[e$op == ":=", ]
  list(names = e$lhs, est = e$est, se = e$se) }
out <- list(script = "measurement.R", lavaan = as.character(packageVersion("lavaan")))

# Holzinger & Swineford
data(HolzingerSwineford1939); H <- HolzingerSwineford1939
three <- "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"
fit <- tight("cfa", model = three, data = H)
out$holzinger <- list()
lv <- tight("cfa", model = three, data = H, std.lv = TRUE)
pairs <- list(c("visual", "textual"), c("visual", "speed"), c("textual", "speed"))
chi <- function(f) unname(fitMeasures(f, "chisq"))
at <- function(p, c, lv = TRUE) chi(tight("cfa", model = sprintf("%s\n%s ~~ %s*%s", three, p[1], c, p[2]), data = H, std.lv = lv)) - chi(fit)
out$holzinger$cut_90 <- sapply(pairs, at, c = 0.9); out$holzinger$cut_1 <- sapply(pairs, at, c = 1)
out$holzinger$not_rescaled <- sapply(pairs, at, c = 1, lv = FALSE)
e <- parameterEstimates(lv); e <- e[e$op == "~~" & e$lhs != e$rhs, ]
out$holzinger$r <- e$est; out$holzinger$r_se <- e$se; out$holzinger$r_low <- e$ci.lower; out$holzinger$r_high <- e$ci.upper

# a cross-loading, correlated errors, and answers that are not normal: the rows of three_mlr in latent.json
stored <- fromJSON("tests/reference/latent.json", simplifyVector = FALSE)$cases$three_mlr
d <- as.data.frame(lapply(stored$rows, function(r) unlist(r) / 1000)); names(d) <- unlist(stored$names)
sat <- paste(unlist(lapply(1:9, function(i) paste0("x", i, " ~~ ", paste0("s", i, i:9, "*x", i:9, collapse = " + ")))), collapse = "\n")
alpha <- function(items) { k <- length(items); own <- paste0("s", items, items, collapse = "+")
  pairs <- combn(items, 2); off <- paste0("s", pmin(pairs[1, ], pairs[2, ]), pmax(pairs[1, ], pairs[2, ]), collapse = "+")
  sprintf("%d/%d*(1 - (%s)/(%s + 2*(%s)))", k, k - 1, own, own, off) }
crossed <- "f =~ NA*x1 + l1*x1 + l2*x2 + l3*x3\ng =~ NA*x4 + m4*x4 + m5*x5 + m6*x6 + m3*x3\nh =~ NA*x7 + n7*x7 + n8*x8 + n9*x9\nx1 ~~ x7\nx8 ~~ c89*x9
  f ~~ 1*f + fg*g\ng ~~ 1*g\nh ~~ 1*h + fh*f + gh*g
  x1 ~~ e1*x1\nx2 ~~ e2*x2\nx3 ~~ e3*x3\nx4 ~~ e4*x4\nx5 ~~ e5*x5\nx6 ~~ e6*x6\nx7 ~~ e7*x7\nx8 ~~ e8*x8\nx9 ~~ e9*x9
  omega_f := (l1+l2+l3)^2 / ((l1+l2+l3)^2 + 2*(l1+l2+l3)*m3*fg + m3^2 + e1+e2+e3)
  omega_g := (m3+m4+m5+m6)^2 / ((m3+m4+m5+m6)^2 + 2*(m3+m4+m5+m6)*l3*fg + l3^2 + e3+e4+e5+e6)
  omega_h := (n7+n8+n9)^2 / ((n7+n8+n9)^2 + e7+e8+e9 + 2*c89)
  i1 := l1^2+e1\ni2 := l2^2+e2\ni3 := l3^2+2*l3*m3*fg+m3^2+e3\ni4 := m4^2+e4\ni5 := m5^2+e5\ni6 := m6^2+e6
  ave_f := (l1^2+l2^2+l3^2)/(i1+i2+i3)
  ave_g := (m3^2+m4^2+m5^2+m6^2)/(i3+i4+i5+i6)
  ave_h := (n7^2+n8^2+n9^2)/((n7^2+n8^2+n9^2)+e7+e8+e9)
  std_ave_f := (l1^2/i1+l2^2/i2+l3^2/i3)/3
  std_ave_h := (n7^2/(n7^2+e7)+n8^2/(n8^2+e8)+n9^2/(n9^2+e9))/3
  std_omega_h := (n7/sqrt(n7^2+e7)+n8/sqrt(n8^2+e8)+n9/sqrt(n9^2+e9))^2 / (3+2*(
    (n7*n8)/sqrt((n7^2+e7)*(n8^2+e8))+(n7*n9)/sqrt((n7^2+e7)*(n9^2+e9))+(n8*n9+c89)/sqrt((n8^2+e8)*(n9^2+e9))))
  margin_fh := std_ave_f - fh^2"
plain <- "f =~ x1 + x2 + x3\ng =~ x4 + x5 + x6 + x3\nh =~ x7 + x8 + x9\nx1 ~~ x7\nx8 ~~ x9"
out$rows <- list(model = plain)
for (estimator in c("ML", "MLR", "MLM")) {
  fit <- tight("cfa", model = crossed, data = d, estimator = estimator)
  saturated <- tight("lavaan", model = paste0(sat, "\nalpha_f := ", alpha(1:3), "\nalpha_g := ", alpha(3:6), "\nalpha_h := ", alpha(7:9)), data = d, estimator = estimator)
  lv <- tight("cfa", model = plain, data = d, estimator = estimator, std.lv = TRUE)
  cut <- function(p, c) { r <- tight("cfa", model = sprintf("%s\n%s ~~ %s*%s", plain, p[1], c, p[2]), data = d, estimator = estimator, std.lv = TRUE)
    t <- if (estimator == "ML") lavTestLRT(lv, r) else lavTestLRT(lv, r, method = "satorra.2000", A.method = "exact"); t[["Chisq diff"]][2] }
  two <- list(c("f", "g"), c("f", "h"), c("g", "h"))
  merged <- if (estimator == "ML") chi(tight("cfa", model = "f =~ x1 + x2 + x3 + x7 + x8 + x9\ng =~ x4 + x5 + x6 + x3\nx1 ~~ x7\nx8 ~~ x9", data = d)) - chi(lv)
  e <- parameterEstimates(lv); e <- e[e$op == "~~" & e$lhs != e$rhs & e$lhs %in% c("f", "g", "h"), ]
  out$rows[[estimator]] <- list(defined = defined(fit), alpha = defined(saturated), r = e$est, r_se = e$se,
    cut_90 = sapply(two, cut, c = 0.9), cut_80 = sapply(two, cut, c = 0.8), merged_fh = merged)
}

# two traits that have nothing to do with each other, and one questionnaire: everything is a little halo
set.seed(42); n <- 700
a <- rnorm(n); b <- rnorm(n); m <- rnorm(n)
load <- function(trait, by, method) by * trait + method * m + rnorm(n, sd = sqrt(1 - by^2 - method^2))
d <- data.frame(a1 = load(a, .80, .5), a2 = load(a, .65, .5), a3 = load(a, .50, .5), a4 = load(a, .30, .5),
  b1 = load(b, .80, .5), b2 = load(b, .60, .5), b3 = load(b, .45, .5), b4 = load(b, .25, .5),
  k1 = load(0, 0, .7), k2 = load(0, 0, .6), k3 = load(0, 0, .8))
d <- round(d + 0.25 * (d^2 - 1) * (row(d) %% 3 == 0), 2)
items <- names(d)[1:8]
traits <- "a =~ a1 + a2 + a3 + a4\nb =~ b1 + b2 + b3 + b4"; paths <- paste0(traits, "\nb ~ a")
all <- function(by) paste("M =~", paste0(by, items, collapse = " + "))
apart <- "\nM ~~ 0*a + 0*b"; k <- "\nmarker =~ k1 + k2 + k3"; lone <- "\nmarker ~~ 0*a + 0*b"
halo <- list(names = names(d), rows = lapply(d, function(x) round(100 * x)), traits = traits, paths = paths)
for (estimator in c("ML", "MLR")) {
  robust <- estimator == "MLR"
  run <- function(model, lv = FALSE) tight("sem", model = model, data = d, estimator = estimator, std.lv = lv)
  cfa <- run(paste0(traits, k), TRUE)
  e <- parameterEstimates(cfa); e <- e[(e$op == "=~" & e$lhs == "marker") | (e$op == "~~" & e$lhs == e$rhs & e$lhs %in% c("k1", "k2", "k3")), ]
  kept <- paste0("\n", paste(e$lhs, e$op, sprintf("%.15g", e$est), "*", e$rhs, collapse = "\n"))
  base <- run(paste0(traits, kept, lone), TRUE)
  r <- parameterEstimates(base); r <- r$est[r$lhs == "a" & r$rhs == "b"]
  on <- function(by) paste("\nmarker =~", paste0(by, items, collapse = " + "))
  halo[[estimator]] <- list(substantive = told(run(traits), robust), equal = told(run(paste0(traits, "\n", all("1*"), apart)), robust),
    paths = told(run(paths), robust), paths_equal = told(run(paste0(paths, "\n", all("1*"), apart)), robust),
    free = told(run(paste0(traits, "\n", all(""), apart)), robust),
    cfa = told(cfa, robust), baseline = told(base, robust), constrained = told(run(paste0(traits, kept, lone, on("w*")), TRUE), robust),
    unconstrained = told(run(paste0(traits, kept, lone, on("")), TRUE), robust),
    restricted = told(run(sprintf("%s\na ~~ %.15g*b", paste0(traits, kept, lone, on("w*")), r), TRUE), robust),
    restricted_free = told(run(sprintf("%s\na ~~ %.15g*b", paste0(traits, kept, lone, on("")), r), TRUE), robust))
}
out$halo <- halo
write(toJSON(out, digits = 12, auto_unbox = TRUE), "tests/reference/measurement.json")
