; The pause: the mode stays, the main loop stays in here.
.include "ram.inc"
.include "routines.inc"

PAUSED = 5

.segment "CODE"

.proc check_pause
  lda pause_allowed
  beq @done
  lda mode
  cmp #MODE_PLAY
  beq @look
  cmp #MODE_INTRO
  bne @done
@look:
  jsr start_pressed
  bne @done
  lda #PAUSED
  sta pause_state
  lda #0
  sta level_sprites
  jsr show_pause
@wait:
  jsr wait_frame
  jsr make_pads
  jsr check_soft_reset
  jsr start_pressed
  bne @wait
  lda #0
  sta pause_state
  lda #$FF
  sta level_sprites
  jmp leave_pause
@done:
  rts
.endproc

; Zero set: START alone was pressed, on either pad where two play.
.proc start_pressed
  lda p1_pressed
  cmp #BTN_START
  beq @done
  jsr two_play
  bcc @no
  lda p2_pressed
  cmp #BTN_START
  rts
@no:
  lda #1                        ; zero clear
@done:
  rts
.endproc

; Nobody may think on: the picture is hidden, but for whoever studies the machine.
.proc show_pause
  lda vs_cpu
  bne @study
  lda #MASK_SPRITES
  sta ppu_mask
  jsr hide_sprites
  lda #<pause_text
  ldx #>pause_text
  jmp draw_text_sprites
@study:
  lda #<study_text
  ldx #>study_text
  jmp draw_text_sprites
.endproc

.proc leave_pause
  lda #MASK_ALL
  sta ppu_mask
  jsr hide_sprites
  lda mode
  cmp #MODE_PLAY
  bne @done
  ldx #4
  jsr load_player
  jsr draw_level_sprites
  jsr two_play
  bcc @done
  ldx #5
  jsr load_player
  jmp draw_level_sprites
@done:
  rts
.endproc

.segment "DATA"
pause_text:
  .byte 108, 119, $19, $0A, $1E, $1C, $0E, $FF
study_text:
  .byte 108, 31, $1C, $1D, $1E, $0D, $22, $FF
