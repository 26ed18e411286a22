; The attract demo: a game the machine plays by itself when nobody touches the title.
.include "ram.inc"
.include "routines.inc"

DEMO_LEVEL = 10
DEMO_SPEED = 1
DEMO_MUSIC = 3
DEMO_RNG_A = $4E
DEMO_RNG_B = $21

.segment "CODE"

; What the player had chosen, and the generator, wait until the demo is over.
.proc begin_demo
  lda players
  sta saved_players
  lda music
  sta saved_music
  lda rng_a
  sta saved_rng
  lda rng_b
  sta saved_rng + 1
  lda #1
  sta players
  lda #DEMO_LEVEL
  sta P1 + O_LEVEL
  lda #DEMO_SPEED
  sta P1 + O_SPEED
  lda #DEMO_MUSIC
  sta music
  lda #DEMO_RNG_A
  sta rng_a
  lda #DEMO_RNG_B
  sta rng_b
  lda #0
  sta cpu_held
  lda #MODE_BUILD
  sta mode
  rts
.endproc

; Level and speed come back with every reset.
.proc end_demo
  lda saved_players
  sta players
  lda saved_music
  sta music
  lda saved_rng
  sta rng_a
  lda saved_rng + 1
  sta rng_b
  rts
.endproc
