# Measurement invariance over two waves of the same people, by lavaan: Rscript wave_invariance.R > wave_invariance.json
suppressMessages({library(lavaan); library(jsonlite)})
set.seed(20261122)
n <- 250
trait <- rnorm(n)
states <- sapply(1:2, function(t) 0.7 * trait + 0.5 * rnorm(n) + 0.2 * (t - 1))
own <- matrix(rnorm(n * 4), n)
answers <- lapply(1:2, function(t) {
  y <- outer(states[, t], c(1, 0.8, 0.9, if (t == 1) 0.7 else 1.0)) + 0.3 * own + 0.5 * matrix(rnorm(n * 4), n)
  y[, 3] <- y[, 3] + 0.3 * (t - 1)
  round(y, 3)
})
answers[[2]][sample(n, 40), ] <- NA
answers[[1]][sample(n, 15), 2] <- NA
wide <- data.frame(answers[[1]], answers[[2]])
names(wide) <- c(paste0("i", 1:4, "_1"), paste0("i", 1:4, "_2"))
model <- function(step) {
  lines <- c()
  for (t in 1:2) {
    l <- if (step > 1) c("", paste0("l", 2:4, "*")) else rep("", 4)
    lines <- c(lines, paste0("f", t, " =~ ", paste0(l, "i", 1:4, "_", t, collapse = " + ")))
    lines <- c(lines, paste0("i", 1:4, "_", t, " ~ ", if (step > 2) paste0("m", 1:4, "*") else "", "1"))
    if (step > 3) lines <- c(lines, paste0("i", 1:4, "_", t, " ~~ e", 1:4, "*i", 1:4, "_", t))
    lines <- c(lines, paste0("f", t, " ~ ", if (step > 2 && t == 2) "NA*1" else "0*1"))
  }
  paste(c(lines, paste0("i", 1:4, "_1 ~~ i", 1:4, "_2")), collapse = "\n")
}
run <- function(missing, estimator) {
  fits <- lapply(1:4, function(k) sem(model(k), wide, missing = missing, estimator = estimator, meanstructure = TRUE))
  steps <- lapply(1:4, function(k) {
    m <- fitMeasures(fits[[k]])
    scaled <- if (estimator == "MLR") ".scaled" else ""
    d <- if (k > 1) lavTestLRT(fits[[k]], fits[[k - 1]]) else NULL
    list(chi2 = m[[paste0("chisq", scaled)]], df = m[["df"]], srmr = m[["srmr"]], n = lavInspect(fits[[k]], "nobs"),
         difference_chi2 = if (k > 1) d[2, "Chisq diff"] else NA, difference_p = if (k > 1) d[2, "Pr(>Chisq)"] else NA)
  })
  steps
}
cat(toJSON(list(lavaan = as.character(packageVersion("lavaan")), rows = as.matrix(wide),
  fiml = run("ml", "ML"), listwise = run("listwise", "ML"), robust = run("listwise", "MLR")),
  auto_unbox = TRUE, digits = 10, na = "null"))
