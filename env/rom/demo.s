; The attract demo: a recorded game, played when nobody touches the title.
.include "ram.inc"
.include "routines.inc"

DEMO_LEVEL = 10
DEMO_SPEED = 1
DEMO_MUSIC = 3

.segment "DATA"
.include "demo_game.inc"

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
  lda #<demo_game
  sta demo_pads
  lda #>demo_game
  sta demo_pads + 1
  lda #0
  sta demo_frames
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

; START ends it, and so does the end of the recording.  Else A = the buttons of this frame.
.proc demo_buttons
  lda p1_pressed
  and #BTN_START
  bne @end
  ldy #1
  lda demo_frames
  bne @hold
  dey
  lda (demo_pads), y
  beq @end
  sta demo_frames
  iny
  lda (demo_pads), y
  sta demo_held
  lda demo_pads
  clc
  adc #2
  sta demo_pads
  bcc @hold
  inc demo_pads + 1
@hold:
  dec demo_frames
  lda demo_held
  rts
@end:
  jmp soft_reset
.endproc
