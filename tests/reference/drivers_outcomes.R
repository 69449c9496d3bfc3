# Makes drivers_outcomes.json: shares of ordered and yes-or-no outcomes by brute force, a fit of clm, polr or glm to every
# subset of the players and a mean over all their orders. Housing and birth weights are counts; the answers are drawn here.
# Rscript tests/reference/drivers_outcomes.R (from the project's root; ordinal 2022.11-16, MASS 7.3-58, R 4.2)
suppressMessages({library(ordinal); library(MASS); library(jsonlite)})
control <- clm.control(gradTol = 1e-10, maxIter = 200)

orders <- function(v) if (length(v) < 2) list(v) else
  do.call(c, lapply(seq_along(v), function(i) lapply(orders(v[-i]), function(rest) c(v[i], rest))))

# general dominance (LMG), alone and unique of players (lists of columns) by a function of columns
divide <- function(players, r2, controls = character(0)) {
  memo <- new.env()
  of <- function(who) {
    key <- paste(c("k", sort(who)), collapse = " ")
    if (is.null(memo[[key]])) memo[[key]] <- r2(c(controls, unlist(players[who])))
    memo[[key]]
  }
  k <- length(players); every <- seq_len(k); gains <- numeric(k); all <- orders(every)
  for (o in all) for (i in every) gains[o[i]] <- gains[o[i]] + of(o[seq_len(i)]) - of(o[seq_len(i - 1)])
  list(players = names(players), lmg = gains / length(all), alone = sapply(every, function(i) of(i) - of(integer(0))),
    unique = sapply(every, function(i) of(every) - of(every[-i])), R2 = of(every), R2_controls = of(integer(0)))
}
# Owen: only orders in which groups stay together
owen <- function(groups, r2) {
  columns <- unlist(groups, use.names = FALSE); total <- setNames(numeric(length(columns)), columns); count <- 0
  inside <- function(gs) if (!length(gs)) list(character(0)) else
    do.call(c, lapply(orders(gs[[1]]), function(a) lapply(inside(gs[-1]), function(b) c(a, b))))
  memo <- new.env()
  of <- function(who) { key <- paste(c("k", sort(who)), collapse = " "); if (is.null(memo[[key]])) memo[[key]] <- r2(who); memo[[key]] }
  for (g in orders(seq_along(groups))) for (o in inside(groups[g])) {
    count <- count + 1
    for (i in seq_along(o)) total[o[i]] <- total[o[i]] + of(o[seq_len(i)]) - of(o[seq_len(i - 1)])
  }
  as.list(total / count)
}
right <- function(columns) if (length(columns)) paste(columns, collapse = " + ") else "1"
mcfadden <- function(fit, data, y, w) {
  data$.w <- w; null <- as.numeric(logLik(fit("1", data)))
  function(columns) if (length(columns)) 1 - as.numeric(logLik(fit(right(columns), data))) / null else 0
}
ordered_fit <- function(y, link = "logit") function(rhs, data)
  clm(as.formula(paste(y, "~", rhs)), data = data, weights = .w, link = link, control = control)
binary_fit <- function(y) function(rhs, data)
  glm(as.formula(paste(y, "~", rhs)), data = data, weights = .w, family = binomial, control = glm.control(1e-14, 100))

# R2 of the latent answer on columns x, from slopes b of all of them, and weights
latent <- function(x, b, w, noise) {
  x <- as.matrix(x); x <- sweep(x, 2, colSums(x * w) / sum(w)); S <- t(x) %*% (x * w) / sum(w); c <- S %*% b
  total <- as.numeric(t(b) %*% S %*% b) + noise; rownames(c) <- colnames(x)
  function(columns) if (length(columns)) as.numeric(t(c[columns, ]) %*% solve(S[columns, columns], c[columns, ])) / total else 0
}

set.seed(1975); n <- 400; p <- 4; common <- rnorm(n)
d <- as.data.frame(sapply(1:p, function(i) pmin(pmax(round(3 + 0.7 * common + rnorm(n)), 1), 5)))
names(d) <- c("ease", "help", "price", "speed")
d$w <- round(rgamma(n, 2, 2) + 0.05, 2); d$shop <- rep(1:80, length.out = n)
line <- 0.7 * d$ease + 0.4 * d$help - 0.3 * d$price + rep(rnorm(80, 0, 0.5), length.out = n) + rlogis(n)
d$rating <- as.integer(cut(line, c(-Inf, 0.3, 1.6, 2.9, 4.4, Inf))); d$y <- factor(d$rating); d$yes <- as.integer(line > 3.5)
names <- c("ease", "help", "price", "speed"); each <- setNames(as.list(names), names); one <- rep(1, n)
groups <- list(UX = c("ease", "help"), rest = c("price", "speed"))

with_w <- function(w) { d$.w <- w; d }
full <- function(w, link = "logit") coef(ordered_fit("y", link)(right(names), with_w(w)))[names]
by <- function(y, fit, w) mcfadden(fit(y), d, y, w)
out <- list(script = "drivers_outcomes.R", rows = d[, c(names, "w", "shop", "rating", "yes")],
  deviance = list(
    logit = divide(each, by("y", ordered_fit, one)),
    probit = divide(each, by("y", function(y) ordered_fit(y, "probit"), one)),
    weighted = divide(each, by("y", ordered_fit, d$w)),
    binary = divide(each, by("yes", binary_fit, one)),
    groups = divide(groups, by("y", ordered_fit, one)),
    controls = divide(each[1:3], by("y", ordered_fit, one), "speed"),
    owen = owen(groups, by("y", ordered_fit, one))),
  latent = list(
    logit = divide(each, latent(d[names], full(one), one, pi^2 / 3)),
    probit = divide(each, latent(d[names], full(one, "probit"), one, 1)),
    weighted = divide(each, latent(d[names], full(d$w), d$w, pi^2 / 3)),
    binary = divide(each, latent(d[names], coef(binary_fit("yes")(right(names), with_w(one)))[-1], one, pi^2 / 3)),
    groups = divide(groups, latent(d[names], full(one), one, pi^2 / 3)),
    controls = divide(each[1:3], latent(d[names], full(one), one, pi^2 / 3), "speed"),
    owen = owen(groups, latent(d[names], full(one), one, pi^2 / 3))))

# housing: satisfaction of 1,681 householders, by MASS's polr; Type is one player of three columns
h <- housing; h$.w <- h$Freq; h$infl <- as.integer(h$Infl); h$cont <- as.integer(h$Cont)
for (type in levels(h$Type)[-1]) h[[tolower(type)]] <- as.integer(h$Type == type)
players <- list(infl = "infl", type = c("apartment", "atrium", "terrace"), cont = "cont"); columns <- unlist(players, use.names = FALSE)
polr_fit <- function(rhs, data) polr(as.formula(paste("Sat ~", rhs)), data = data, weights = .w, control = list(reltol = 1e-15, maxit = 1000))
b <- coef(polr_fit(right(columns), h))[columns]
out$housing <- list(counts = transform(h[, c(columns, "Freq")], sat = as.integer(h$Sat)),
  deviance = divide(players, mcfadden(polr_fit, h, "Sat", h$Freq)), latent = divide(players, latent(h[columns], b, h$Freq, pi^2 / 3)))

# birth weights: 189 births as counts, by glm
births <- transform(birthwt, black = as.integer(race == 2), other = as.integer(race == 3), early = as.integer(ptl > 0))
births <- aggregate(list(n = rep(1, nrow(births))), births[, c("low", "smoke", "black", "other", "ht", "ui", "early")], sum)
players <- list(smoke = "smoke", race = c("black", "other"), ht = "ht", ui = "ui", early = "early"); columns <- unlist(players, use.names = FALSE)
births$.w <- births$n; fit <- binary_fit("low")
out$births <- list(counts = births[, c("low", columns, "n")], deviance = divide(players, mcfadden(fit, births, "low", births$n)),
  latent = divide(players, latent(births[columns], coef(fit(right(columns), births))[-1], births$n, pi^2 / 3)))
write(toJSON(out, digits = 14, auto_unbox = TRUE, dataframe = "columns"), "tests/reference/drivers_outcomes.json")
